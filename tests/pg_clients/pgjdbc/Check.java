// pgjdbc: prepared statements past their threshold (binary, named), batches, fetch size, maxRows,
// DatabaseMetaData, COPY, errors. Connects by PGHOST, PGPORT, PGUSER, PGDATABASE.

import java.io.StringReader;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

public class Check {
    static final String TABLE = "tea_jdbc_" + ProcessHandle.current().pid();

    interface Run {
        void run() throws Exception;
    }

    static void equal(Object expected, Object actual, String what) {
        if (!java.util.Objects.equals(expected, actual)) {
            throw new AssertionError(what + ": " + actual + ", want " + expected);
        }
    }

    static SQLException fails(String state, Run run) throws Exception {
        try {
            run.run();
        } catch (SQLException error) {
            equal(state, error.getSQLState(), error.getMessage());
            return error;
        }
        throw new AssertionError("no error, want " + state);
    }

    static Connection connect(String database) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv().getOrDefault("PGUSER", "postgres"));
        properties.setProperty("ApplicationName", "check");
        String place = System.getenv("PGHOST") + ":" + System.getenv("PGPORT");
        return DriverManager.getConnection("jdbc:postgresql://" + place + "/" + database, properties);
    }

    static long count(Connection c, String where) throws SQLException {
        try (Statement s = c.createStatement();
                ResultSet r = s.executeQuery("SELECT count(*) FROM " + TABLE + " WHERE " + where)) {
            r.next();
            return r.getLong(1);
        }
    }

    static void table(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            s.executeUpdate("CREATE TABLE " + TABLE + " (id int4 PRIMARY KEY, name varchar(40) NOT NULL,"
                + " n numeric(10,2), x float8, d date, at timestamp, b bool, u uuid, big int8)");
        }
        String sql = "INSERT INTO " + TABLE + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        try (PreparedStatement s = c.prepareStatement(sql)) {
            for (int n = 1; n <= 10; n++) { // from the sixth on by a named statement, in binary
                s.setInt(1, n);
                s.setString(2, "name " + n);
                s.setBigDecimal(3, new BigDecimal(n + ".25"));
                s.setDouble(4, n / 2.0);
                s.setDate(5, Date.valueOf("2024-01-" + (n + 10)));
                s.setTimestamp(6, Timestamp.valueOf("2024-01-01 12:00:00.5"));
                s.setBoolean(7, n % 2 == 0);
                s.setObject(8, new UUID(0, n));
                s.setLong(9, 1L << 40);
                equal(1, s.executeUpdate(), "inserted");
            }
        }
    }

    static void select(Connection c) throws Exception {
        String sql = "SELECT * FROM " + TABLE + " WHERE id = ? AND name = ?";
        try (PreparedStatement s = c.prepareStatement(sql)) {
            for (int n = 1; n <= 10; n++) {
                s.setInt(1, n);
                s.setString(2, "name " + n);
                try (ResultSet r = s.executeQuery()) {
                    equal(true, r.next(), "a row");
                    equal(n, r.getInt("id"), "id");
                    equal("name " + n, r.getString("name"), "name");
                    equal(new BigDecimal(n + ".25"), r.getBigDecimal("n"), "n");
                    equal(n / 2.0, r.getDouble("x"), "x");
                    equal("2024-01-" + (n + 10), r.getDate("d").toString(), "d");
                    equal(Timestamp.valueOf("2024-01-01 12:00:00.5"), r.getTimestamp("at"), "at");
                    equal(n % 2 == 0, r.getBoolean("b"), "b");
                    equal(new UUID(0, n), r.getObject("u"), "u");
                    equal(1L << 40, r.getLong("big"), "big");
                    equal(false, r.next(), "one row");
                }
            }
            ResultSetMetaData meta = s.getMetaData(); // described, not run
            equal(9, meta.getColumnCount(), "columns");
            equal(Types.INTEGER, meta.getColumnType(1), "type of id");
            equal(Types.NUMERIC, meta.getColumnType(3), "type of n");
            equal(2, meta.getScale(3), "scale of n");
        }
        try (PreparedStatement s = c.prepareStatement("SELECT ?::int[], ?")) {
            Array array = c.createArrayOf("int4", new Integer[] {1, null, 3});
            s.setArray(1, array);
            s.setString(2, null);
            try (ResultSet r = s.executeQuery()) {
                r.next();
                equal("[1, null, 3]", Arrays.toString((Object[]) r.getArray(1).getArray()), "array");
                equal(null, r.getString(2), "null");
            }
        }
    }

    static void batch(Connection c) throws Exception {
        String sql = "INSERT INTO " + TABLE + " (id, name) VALUES (?, ?)";
        try (PreparedStatement s = c.prepareStatement(sql)) {
            for (int n = 100; n < 400; n++) {
                s.setInt(1, n);
                s.setString(2, "batch");
                s.addBatch();
            }
            int[] counts = s.executeBatch();
            equal(300, counts.length, "batch");
            equal(1, counts[299], "batch count");
        }
        equal(300L, count(c, "name = 'batch'"), "rows of the batch");
    }

    static void pages(Connection c) throws Exception {
        c.setAutoCommit(false);
        String sql = "SELECT g::int4 FROM generate_series(1, 10000) AS s(g) ORDER BY 1";
        try (PreparedStatement s = c.prepareStatement(sql)) {
            s.setFetchSize(777); // a named portal, page by page
            try (ResultSet r = s.executeQuery()) {
                int seen = 0;
                while (r.next()) {
                    equal(++seen, r.getInt(1), "row");
                }
                equal(10000, seen, "rows by pages");
            }
        }
        c.commit();
        c.setAutoCommit(true);
        try (Statement s = c.createStatement()) {
            s.setMaxRows(2000);
            try (ResultSet r = s.executeQuery(sql)) {
                int seen = 0;
                while (r.next()) {
                    seen++;
                }
                equal(2000, seen, "maxRows");
            }
        }
    }

    static List<String> column(ResultSet r, String name) throws SQLException {
        List<String> values = new ArrayList<>();
        while (r.next()) {
            values.add(r.getString(name));
        }
        r.close();
        return values;
    }

    static void metadata(Connection c) throws Exception {
        DatabaseMetaData meta = c.getMetaData();
        equal("PostgreSQL", meta.getDatabaseProductName(), "product");
        equal(15, meta.getDatabaseMajorVersion(), "version");
        String[] kinds = {"TABLE"};
        equal(List.of(TABLE), column(meta.getTables(null, "public", TABLE, kinds), "TABLE_NAME"), "tables");
        List<String> names = List.of("id", "name", "n", "x", "d", "at", "b", "u", "big");
        equal(names, column(meta.getColumns(null, "public", TABLE, null), "COLUMN_NAME"), "columns");
        List<String> types =
            List.of("int4", "text", "numeric", "float8", "date", "timestamp", "bool", "uuid", "int8");
        // DuckDB keeps one type of text, so varchar(40) may come back as text.
        equal(types, column(meta.getColumns(null, "public", TABLE, null), "TYPE_NAME").stream()
            .map(type -> type.equals("varchar") ? "text" : type).toList(), "types");
        equal("NO", column(meta.getColumns(null, "public", TABLE, "name"), "IS_NULLABLE").get(0), "null");
        equal(List.of("id"), column(meta.getPrimaryKeys(null, "public", TABLE), "COLUMN_NAME"), "key");
        equal(true, column(meta.getSchemas(), "TABLE_SCHEM").contains("public"), "schemas");
        meta.getIndexInfo(null, "public", TABLE, true, false).close();
        meta.getTypeInfo().close();
    }

    static void errors(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            fails("42P01", () -> s.executeQuery("SELECT * FROM no_such_table"));
            fails("42703", () -> s.executeQuery("SELECT none FROM " + TABLE));
            fails("42601", () -> s.executeQuery("SELEKT 1"));
            fails("23505", () -> s.executeUpdate("INSERT INTO " + TABLE + " (id, name) VALUES (1, 'x')"));
            fails("23502", () -> s.executeUpdate("INSERT INTO " + TABLE + " (id) VALUES (9999)"));
            s.setQueryTimeout(1);
            fails("57014", () -> s.executeQuery("SELECT count(*) FROM generate_series(1, 3000000) a(x),"
                + " generate_series(1, 3000000) b(y) WHERE x * 7 % 11 = y % 13"));
        }
        fails("3D000", () -> connect("no_such_database"));
        equal(true, c.isValid(5), "valid after errors");
    }

    static void copy(Connection c) throws Exception {
        CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
        StringReader data = new StringReader("7000,copied\n7001,\"a, b\"\n");
        equal(2L, copy.copyIn("COPY " + TABLE + " (id, name) FROM STDIN WITH CSV", data), "copied");
        equal(1L, count(c, "id = 7001 AND name = 'a, b'"), "copied row");
        fails("22P02", () -> copy.copyIn("COPY " + TABLE + " (id, name) FROM STDIN WITH CSV",
            new StringReader("x,bad\n")));
    }

    static void transactions(Connection c) throws Exception {
        c.setAutoCommit(false);
        c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        c.setReadOnly(true);
        equal(true, count(c, "true") > 0, "reads");
        c.commit();
        c.setReadOnly(false);
        try (Statement s = c.createStatement()) {
            fails("42P01", () -> s.executeQuery("SELECT * FROM no_such_table"));
            fails("25P02", () -> s.executeQuery("SELECT 1"));
        }
        c.rollback();
        c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        c.setAutoCommit(true);
    }

    public static void main(String[] args) throws Exception {
        String database = System.getenv().getOrDefault("PGDATABASE", "postgres");
        try (Connection c = connect(database)) {
            table(c);
            select(c);
            batch(c);
            pages(c);
            metadata(c);
            errors(c);
            copy(c);
            transactions(c);
            try (Statement s = c.createStatement()) {
                s.executeUpdate("DROP TABLE " + TABLE);
            }
        }
    }
}
