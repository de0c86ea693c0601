// What Metabase does when it reads a database's structure, call by call through pgjdbc's
// DatabaseMetaData: all tables, and for each its columns, keys, indexes and a sample of its rows.
//
//   java -cp postgresql.jar Sync.java HOST:PORT USER SCHEMA ROUNDS
//
// Prints the milliseconds of each round; the first is to warm up.

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

public class Sync {
    public static void main(String[] args) throws Exception {
        String url = "jdbc:postgresql://" + args[0] + "/postgres";
        try (Connection connection = DriverManager.getConnection(url, args[1], "")) {
            for (int round = 0; round <= Integer.parseInt(args[3]); round++) {
                long start = System.nanoTime();
                int columns = sync(connection, args[2]);
                System.out.println((System.nanoTime() - start) / 1_000_000.0 + " " + columns);
            }
        }
    }

    static int sync(Connection connection, String schema) throws Exception {
        DatabaseMetaData metadata = connection.getMetaData();
        drain(metadata.getSchemas());
        List<String> tables = new ArrayList<>();
        String[] kinds = {"TABLE", "PARTITIONED TABLE", "VIEW", "FOREIGN TABLE", "MATERIALIZED VIEW"};
        try (ResultSet rows = metadata.getTables(null, schema, "%", kinds)) {
            while (rows.next()) {
                tables.add(rows.getString("TABLE_NAME"));
            }
        }
        int columns = 0;
        for (String table : tables) {
            columns += drain(metadata.getColumns(null, schema, table, "%"));
            drain(metadata.getPrimaryKeys(null, schema, table));
            drain(metadata.getImportedKeys(null, schema, table));
            drain(metadata.getIndexInfo(null, schema, table, false, false));
            try (Statement statement = connection.createStatement()) {
                String name = "\"" + schema + "\".\"" + table + "\"";
                drain(statement.executeQuery("SELECT * FROM " + name + " WHERE 1 <> 1 LIMIT 0"));
                statement.setMaxRows(10_000);
                drain(statement.executeQuery("SELECT * FROM " + name + " LIMIT 10000"));
            }
        }
        return columns;
    }

    static int drain(ResultSet rows) throws Exception {
        try (rows) {
            int count = 0;
            while (rows.next()) {
                count++;
            }
            return count;
        }
    }
}
