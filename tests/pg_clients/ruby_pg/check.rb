# ruby-pg: parameters and results in text and binary, type maps, single rows, COPY, pipelines,
# errors.
# Connects by libpq's variables; names every check that fails.

require "pg"
require "bigdecimal"
require "timeout"

TABLE = "tea_ruby_#{Process.pid}"
# What these need is not there yet.
LATER = %w[
  check_encoding
].freeze

def connect(**options)
  conn = PG.connect(**options)
  yield conn
ensure
  conn&.close
end

def equal(found, wanted)
  raise "#{found.inspect}, want #{wanted.inspect}" unless found == wanted
end

# Runs the block in a transaction that is rolled back.
def undone(conn)
  conn.exec("BEGIN")
  yield
ensure
  conn.exec("ROLLBACK")
end

def fails(kind)
  yield
rescue kind => error
  error
else
  raise "#{kind} was not raised"
end

def check_connection
  connect(application_name: "tea", options: "-c timezone=Asia/Kolkata") do |conn|
    equal(conn.server_version / 10_000, 15)
    equal(conn.parameter_status("TimeZone"), "Asia/Kolkata")
    equal(conn.exec("SHOW application_name").getvalue(0, 0), "tea")
    equal(PG::Connection.ping, PG::PQPING_OK)
  end
end

def check_results
  connect do |conn|
    found = conn.exec("SELECT id, name, price FROM #{TABLE} WHERE id = 2")
    equal(found.to_a, [{ "id" => "2", "name" => "tea 2", "price" => "0.50" }])
    equal(found.fields.map.with_index { |name, at| [name, found.ftype(at), found.fmod(at)] },
          [["id", 23, -1], ["name", 1043, 24], ["price", 1700, 524_294]])
    equal([found.cmd_status, found.ntuples], ["SELECT 1", 1])
    named = conn.exec_params("SELECT relname FROM pg_class WHERE oid = $1", [found.ftable(0)])
    equal(named.values, [[TABLE]])
  end
end

def check_parameters
  connect do |conn|
    text = "SELECT id FROM #{TABLE} WHERE name = $1 AND price > $2 AND id < $3"
    found = conn.exec_params(text, ["tea 8", "1", 100])
    equal(found.values, [["8"]])
    equal(conn.exec_params("SELECT $1::text, $2::int", ["it's 🍵", nil]).values, [["it's 🍵", nil]])
  end
end

def check_binary
  connect do |conn|
    found = conn.exec_params("SELECT $1::int4 + 1, $2::bytea, $3::float8",
                             [{ value: [41].pack("N"), type: 23, format: 1 },
                              { value: "\x00\xFF".b, type: 17, format: 1 }, "1.5"], 1)
    equal(found.getvalue(0, 0), [42].pack("N"))
    equal(found.getvalue(0, 1), "\x00\xFF".b)
    equal(found.getvalue(0, 2), [1.5].pack("G"))
  end
end

def check_type_map
  connect do |conn| # its maps are made from pg_type
    conn.type_map_for_results = PG::BasicTypeMapForResults.new(conn)
    conn.type_map_for_queries = PG::BasicTypeMapForQueries.new(conn)
    text = "SELECT 1, 1.5::float8, true, '2024-02-29'::date, 1.50::numeric, ARRAY[1, 2], " \
           "'{\"a\": 1}'::json"
    row = conn.exec(text).values.first
    equal(row, [1, 1.5, true, Date.new(2024, 2, 29), BigDecimal("1.5"), [1, 2], { "a" => 1 }])
    found = conn.exec_params("SELECT $1::int, $2::int[], $3", [5, [1, 2], true]).values.first
    equal(found, [5, [1, 2], true])
  end
end

def check_prepared
  connect do |conn|
    conn.prepare("by id", "SELECT name FROM #{TABLE} WHERE id = $1")
    equal(conn.exec_prepared("by id", [3]).getvalue(0, 0), "tea 3")
    described = conn.describe_prepared("by id")
    equal([described.paramtype(0), described.ftype(0)], [23, 1043])
    conn.exec('DEALLOCATE "by id"')
    fails(PG::InvalidSqlStatementName) { conn.exec_prepared("by id", [3]) }
  end
end

def check_single_rows
  connect do |conn|
    conn.send_query("SELECT id FROM #{TABLE} ORDER BY id")
    conn.set_single_row_mode
    sum = 0
    conn.get_result.stream_each { |row| sum += row["id"].to_i }
    equal(sum, 20_100)
  end
end

def check_copy
  connect do |conn|
    undone(conn) do
      done = conn.copy_data("COPY #{TABLE} (id, name) FROM STDIN CSV") do
        conn.put_copy_data("1000,\"a, b\"\n1001,\n")
      end
      equal(done.cmd_tuples, 2)
      conn.copy_data("COPY #{TABLE} (id, name) FROM STDIN", PG::TextEncoder::CopyRow.new) do
        conn.put_copy_data([1002, "tab\t"])
      end
      rows = []
      text = "COPY (SELECT id, name FROM #{TABLE} WHERE id >= 1000 ORDER BY id) TO STDOUT"
      conn.copy_data(text, PG::TextDecoder::CopyRow.new) do
        while (row = conn.get_copy_data)
          rows << row
        end
      end
      equal(rows, [["1000", "a, b"], ["1001", nil], ["1002", "tab\t"]])
    end
    fails(PG::InvalidTextRepresentation) do
      conn.copy_data("COPY #{TABLE} (id) FROM STDIN") { conn.put_copy_data("x\n") }
    end
  end
end

def check_copy_binary
  connect do |conn|
    undone(conn) do
      bytes = "PGCOPY\n\xFF\r\n\0".b + [0, 0, 2, 4, 2000, 6, "binary", -1].pack("NNnNNNA6n")
      conn.copy_data("COPY #{TABLE} (id, name) FROM STDIN BINARY") { conn.put_copy_data(bytes) }
      equal(conn.exec("SELECT name FROM #{TABLE} WHERE id = 2000").values, [["binary"]])
      out = "".b
      text = "COPY (SELECT id, name FROM #{TABLE} WHERE id = 2000) TO STDOUT BINARY"
      conn.copy_data(text) do
        while (part = conn.get_copy_data)
          out << part
        end
      end
      equal(out, bytes)
    end
  end
end

def check_transactions
  connect do |conn|
    fails(PG::DivisionByZero) do
      conn.transaction do
        conn.exec("DELETE FROM #{TABLE}")
        conn.exec("SELECT 1/0")
      end
    end
    equal(conn.transaction_status, PG::PQTRANS_IDLE)
    equal(conn.exec("SELECT count(*) FROM #{TABLE}").getvalue(0, 0), "200")
    conn.exec("BEGIN")
    conn.exec("SAVEPOINT a")
    fails(PG::UniqueViolation) { conn.exec("INSERT INTO #{TABLE} (id) VALUES (1)") }
    conn.exec("ROLLBACK TO a")
    equal(conn.exec("SELECT 1").getvalue(0, 0), "1")
    conn.exec("ROLLBACK")
  end
end

def check_cursor
  connect do |conn|
    conn.transaction do
      conn.exec("DECLARE c CURSOR FOR SELECT id FROM #{TABLE} ORDER BY id")
      equal(conn.exec("FETCH 2 FROM c").values, [["1"], ["2"]])
      conn.exec("CLOSE c")
    end
  end
end

def check_errors
  connect do |conn|
    error = fails(PG::UndefinedTable) { conn.exec("SELECT * FROM no_such") }
    equal([error.result.error_field(PG::PG_DIAG_SQLSTATE),
           error.result.error_field(PG::PG_DIAG_STATEMENT_POSITION)], %w[42P01 15])
    fails(PG::SyntaxError) { conn.exec("SELEKT 1") }
    fails(PG::UndefinedColumn) { conn.exec("SELECT no_such") }
    fails(PG::UndefinedFunction) { conn.exec("SELECT no_such()") }
    fails(PG::InvalidTextRepresentation) { conn.exec_params("SELECT $1::int", ["x"]) }
    fails(PG::ConnectionBad) { PG.connect(dbname: "no_such_database") }
  end
end

def check_error_of_a_constraint
  connect do |conn|
    error = fails(PG::UniqueViolation) { conn.exec("INSERT INTO #{TABLE} (id) VALUES (1)") }
    equal([PG::PG_DIAG_SCHEMA_NAME, PG::PG_DIAG_TABLE_NAME, PG::PG_DIAG_CONSTRAINT_NAME]
      .map { |field| error.result.error_field(field) }, ["public", TABLE, "#{TABLE}_pkey"])
  end
end

def check_pipeline
  connect do |conn|
    conn.enter_pipeline_mode
    10.times { |n| conn.send_query_params("SELECT $1::int * 2", [n]) }
    conn.pipeline_sync
    found = Array.new(10) do
      row = conn.get_result.values
      conn.get_result
      row
    end
    equal(found, Array.new(10) { |n| [[(n * 2).to_s]] })
    equal(conn.get_result.result_status, PG::PGRES_PIPELINE_SYNC)
    conn.exit_pipeline_mode
  end
end

def check_cancel
  connect do |conn|
    conn.send_query("SELECT pg_sleep(20)")
    sleep 0.2
    conn.cancel
    fails(PG::QueryCanceled) { conn.get_last_result }
  end
end

def check_notices
  connect do |conn|
    heard = []
    conn.set_notice_processor { |text| heard << text }
    conn.exec("DROP TABLE IF EXISTS no_such_table")
    equal(heard, ["NOTICE:  table \"no_such_table\" does not exist, skipping\n"])
  end
end

def check_notify
  connect do |conn|
    conn.exec("LISTEN #{TABLE}")
    connect { |other| other.exec("NOTIFY #{TABLE}, 'hot'") }
    payload = nil
    conn.wait_for_notify(5) { |_, _, text| payload = text }
    equal(payload, "hot")
  end
end

def check_encoding
  connect do |conn|
    conn.set_client_encoding("LATIN1")
    found = conn.exec("SELECT 'th\xE9'".dup.force_encoding("ISO-8859-1")).getvalue(0, 0)
    equal([found.encoding.name, found.bytes.last], ["ISO-8859-1", 0xE9])
  end
end

def set_up
  connect do |conn|
    conn.exec("CREATE TABLE #{TABLE} (id int PRIMARY KEY, name varchar(20), price numeric(8,2))")
    conn.exec("INSERT INTO #{TABLE} SELECT g, 'tea ' || g, g / 4.0 FROM generate_series(1, 200) g")
  end
end

def clean_up
  connect { |conn| conn.exec("DROP TABLE IF EXISTS #{TABLE}") }
end

failed = 0
own = private_methods(false).map(&:to_s).select { |name| name.start_with?("check_") }
["set_up", *own, "clean_up"].each do |name|
  Timeout.timeout(30) { send(name) }
  puts "ok #{name}#{' (no longer to be named in LATER)' if LATER.include?(name)}"
rescue StandardError => error
  failed += 1 unless LATER.include?(name)
  word = LATER.include?(name) ? "not yet" : "FAILED"
  puts "#{word} #{name}: #{error.class}: #{error.message.lines.first.to_s.strip[0, 600]}"
end
exit(failed.zero? ? 0 : 1)
