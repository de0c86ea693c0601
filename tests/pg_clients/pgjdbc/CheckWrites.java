// pgjdbc writes: transactions, savepoints, generated keys, batches, COPY by CopyManager. Names every
// check that fails. Connects by PGHOST, PGPORT, PGUSER, PGDATABASE.

import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyManager;

public class CheckWrites {
    static final String PLAIN = "tea_jdbc_plain_" + ProcessHandle.current().pid();
    static final String KEYED = "tea_jdbc_keyed_" + ProcessHandle.current().pid();

    interface Check {
        void run(Connection c) throws Exception;
    }

    static int failed = 0;

    static void check(String name, Check check) throws Exception {
        try (Connection c = connect("")) {
            check.run(c);
            System.out.println("ok " + name);
        } catch (Exception | AssertionError error) {
            failed++;
            System.out.println("FAILED " + name + ": " + error);
        }
    }

    static void equal(Object wanted, Object found, String what) {
        if (!java.util.Objects.equals(wanted, found)) {
            throw new AssertionError(what + ": " + found + ", want " + wanted);
        }
    }

    static void fails(String state, Check check, Connection c) throws Exception {
        try {
            check.run(c);
        } catch (SQLException error) {
            equal(state, error.getSQLState(), error.getMessage());
            return;
        }
        throw new AssertionError("no error, want " + state);
    }

    static Connection connect(String options) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv().getOrDefault("PGUSER", "postgres"));
        String place = System.getenv("PGHOST") + ":" + System.getenv("PGPORT");
        String database = System.getenv().getOrDefault("PGDATABASE", "postgres");
        return DriverManager.getConnection("jdbc:postgresql://" + place + "/" + database + options, properties);
    }

    static int execute(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement()) {
            return s.executeUpdate(sql);
        }
    }

    static List<Integer> ids(Connection c) throws SQLException {
        List<Integer> ids = new ArrayList<>();
        try (Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT id FROM " + PLAIN + " ORDER BY id")) {
            while (r.next()) {
                ids.add(r.getInt(1));
            }
        }
        return ids;
    }

    static void insert(Connection c, int id) throws SQLException {
        try (PreparedStatement s = c.prepareStatement("INSERT INTO " + PLAIN + " VALUES (?, ?)")) {
            s.setInt(1, id);
            s.setString(2, "row " + id);
            equal(1, s.executeUpdate(), "inserted");
        }
    }

    static void tables(Connection c) throws Exception {
        execute(c, "CREATE TABLE " + PLAIN + " (id int, v text)");
        execute(c, "CREATE TABLE " + KEYED + " (id bigserial PRIMARY KEY, v text UNIQUE)");
    }

    static void commitAndRollback(Connection c) throws Exception {
        c.setAutoCommit(false);
        insert(c, 1);
        insert(c, 2);
        equal(List.of(1, 2), ids(c), "own writes");
        try (Connection other = connect("")) {
            equal(List.of(), ids(other), "uncommitted");
        }
        c.commit();
        execute(c, "DELETE FROM " + PLAIN);
        equal(List.of(), ids(c), "deleted");
        c.rollback();
        equal(List.of(1, 2), ids(c), "rolled back");
        c.rollback();
    }

    static void failedTransaction(Connection c) throws Exception {
        c.setAutoCommit(false);
        insert(c, 3);
        fails("42P01", d -> execute(d, "DELETE FROM no_such_table"), c);
        fails("25P02", d -> insert(d, 4), c);
        c.rollback();
        equal(List.of(1, 2), ids(c), "rolled back");
    }

    static void savepoints(Connection c) throws Exception {
        c.setAutoCommit(false);
        insert(c, 10);
        Savepoint first = c.setSavepoint();
        insert(c, 11);
        Savepoint second = c.setSavepoint("second");
        insert(c, 12);
        c.rollback(second);
        equal(List.of(1, 2, 10, 11), ids(c), "to the second");
        fails("42P01", d -> execute(d, "DELETE FROM no_such_table"), c);
        c.rollback(first);
        equal(List.of(1, 2, 10), ids(c), "to the first");
        Savepoint third = c.setSavepoint();
        insert(c, 13);
        c.releaseSavepoint(third);
        c.commit();
        equal(List.of(1, 2, 10, 13), ids(c), "committed");
        c.commit();
    }

    static void autosave(Connection ignored) throws Exception {
        try (Connection c = connect("?autosave=always")) {
            c.setAutoCommit(false);
            insert(c, 20);
            fails("42P01", d -> execute(d, "DELETE FROM no_such_table"), c);
            insert(c, 21);
            c.commit();
            equal(List.of(1, 2, 10, 13, 20, 21), ids(c), "saved");
            c.commit();
        }
    }

    static void isolation(Connection c) throws Exception {
        c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        c.setAutoCommit(false);
        int before = ids(c).size();
        try (Connection other = connect("")) {
            insert(other, 30);
        }
        equal(before, ids(c).size(), "a snapshot");
        c.commit();
        equal(before + 1, ids(c).size(), "the next one");
        c.rollback();
        c.setReadOnly(true);
        fails("25006", d -> insert(d, 31), c);
        c.rollback();
    }

    static void generatedKeys(Connection c) throws Exception {
        String sql = "INSERT INTO " + KEYED + " (v) VALUES (?)";
        long last = 0;
        try (PreparedStatement s = c.prepareStatement(sql, Statement.RETURN_GENERATED_KEYS)) {
            for (int n = 0; n < 8; n++) { // past prepareThreshold
                s.setString(1, "key " + n);
                equal(1, s.executeUpdate(), "inserted");
                try (ResultSet keys = s.getGeneratedKeys()) {
                    equal(true, keys.next(), "a key");
                    equal(true, keys.getLong("id") > last, "a larger key");
                    last = keys.getLong("id");
                }
            }
            for (int n = 100; n < 110; n++) {
                s.setString(1, "key " + n);
                s.addBatch();
            }
            equal(10, s.executeBatch().length, "batch");
            int found = 0;
            try (ResultSet keys = s.getGeneratedKeys()) {
                while (keys.next()) {
                    found++;
                }
            }
            equal(10, found, "keys of the batch");
        }
        try (PreparedStatement s = c.prepareStatement(sql, new String[] {"id", "v"})) {
            s.setString(1, "named");
            s.executeUpdate();
            try (ResultSet keys = s.getGeneratedKeys()) {
                keys.next();
                equal("named", keys.getString("v"), "a named column");
            }
        }
    }

    static void returning(Connection c) throws Exception {
        try (Statement s = c.createStatement();
                ResultSet r = s.executeQuery("UPDATE " + KEYED + " SET v = v || '!' WHERE v = 'named' RETURNING id, v")) {
            equal(true, r.next(), "a row");
            equal("named!", r.getString("v"), "returned");
        }
        fails("23505", d -> execute(d, "INSERT INTO " + KEYED + " (v) VALUES ('named!')"), c);
    }

    static void batch(Connection c) throws Exception {
        c.setAutoCommit(false);
        try (PreparedStatement s = c.prepareStatement("INSERT INTO " + PLAIN + " VALUES (?, ?)")) {
            for (int n = 1000; n < 1500; n++) {
                s.setInt(1, n);
                s.setString(2, "batch");
                s.addBatch();
            }
            equal(500, s.executeBatch().length, "batch");
        }
        c.commit();
        equal(500, execute(c, "DELETE FROM " + PLAIN + " WHERE id >= 1000"), "deleted");
        c.commit();
        try (Statement s = c.createStatement()) {
            s.addBatch("INSERT INTO " + PLAIN + " VALUES (2000, 'undone')");
            s.addBatch("INSERT INTO no_such_table VALUES (1)");
            try {
                s.executeBatch();
                throw new AssertionError("a batch with an error succeeded");
            } catch (BatchUpdateException error) {
                equal("42P01", error.getSQLState(), "the batch's error");
            }
        }
        c.rollback();
        equal(false, ids(c).contains(2000), "undone");
        c.rollback();
    }

    static void batchWithoutTransaction(Connection c) throws Exception {
        // One Sync ends the whole batch: it is one implicit transaction.
        try (PreparedStatement s = c.prepareStatement("INSERT INTO " + PLAIN + " VALUES (?::int, 'x')")) {
            for (String id : new String[] {"2100", "no number", "2101"}) {
                s.setString(1, id);
                s.addBatch();
            }
            try {
                s.executeBatch();
                throw new AssertionError("a batch with an error succeeded");
            } catch (BatchUpdateException error) {
                equal("22P02", error.getSQLState(), "the batch's error");
            }
        }
        equal(false, ids(c).contains(2100), "undone");
    }

    static void copy(Connection c) throws Exception {
        CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
        StringReader rows = new StringReader("3000,copied\n3001,\"a, b\"\n");
        equal(2L, copy.copyIn("COPY " + PLAIN + " FROM STDIN WITH (FORMAT csv)", rows), "copied");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        equal(2L, copy.copyOut("COPY (SELECT * FROM " + PLAIN + " WHERE id >= 3000 ORDER BY id) TO STDOUT"
            + " WITH (FORMAT csv)", out), "copied out");
        equal("3000,copied\n3001,\"a, b\"\n", out.toString(StandardCharsets.UTF_8), "rows");
        CopyIn canceled = copy.copyIn("COPY " + PLAIN + " FROM STDIN");
        byte[] row = "3002\tx\n".getBytes(StandardCharsets.UTF_8);
        canceled.writeToCopy(row, 0, row.length);
        canceled.cancelCopy();
        c.setAutoCommit(false);
        equal(1L, copy.copyIn("COPY " + PLAIN + " FROM STDIN", new StringReader("3003\tundone\n")), "copied");
        equal(true, ids(c).contains(3003), "own copy");
        c.rollback();
        equal(false, ids(c).contains(3002) || ids(c).contains(3003), "undone");
        equal(2, execute(c, "DELETE FROM " + PLAIN + " WHERE id >= 3000"), "deleted");
        c.commit();
    }

    static void transactionalDdl(Connection c) throws Exception {
        c.setAutoCommit(false);
        execute(c, "CREATE TABLE " + PLAIN + "_ddl (a int)");
        execute(c, "INSERT INTO " + PLAIN + "_ddl VALUES (1)");
        c.rollback();
        fails("42P01", d -> execute(d, "DELETE FROM " + PLAIN + "_ddl"), c);
        c.rollback();
    }

    public static void main(String[] args) throws Exception {
        check("tables", CheckWrites::tables);
        check("commitAndRollback", CheckWrites::commitAndRollback);
        check("failedTransaction", CheckWrites::failedTransaction);
        check("savepoints", CheckWrites::savepoints);
        check("autosave", CheckWrites::autosave);
        check("isolation", CheckWrites::isolation);
        check("generatedKeys", CheckWrites::generatedKeys);
        check("returning", CheckWrites::returning);
        check("batch", CheckWrites::batch);
        check("batchWithoutTransaction", CheckWrites::batchWithoutTransaction);
        check("copy", CheckWrites::copy);
        check("transactionalDdl", CheckWrites::transactionalDdl);
        try (Connection c = connect("")) {
            execute(c, "DROP TABLE IF EXISTS " + PLAIN);
            execute(c, "DROP TABLE IF EXISTS " + KEYED);
        }
        System.exit(failed == 0 ? 0 : 1);
    }
}
