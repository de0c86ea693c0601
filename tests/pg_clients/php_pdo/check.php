<?php
// PHP's PDO and pgsql: parameters, types, meta data, cursors, COPY, transactions, errors,
// listening.
// Connects by libpq's variables; names every check that fails.

$table = 'tea_php_' . getmypid();
// What these need is not there yet.
$later = ['last_insert_id'];

function connect(array $options = [], string $database = ''): PDO
{
    $options += [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION];
    $place = sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'),
        $database ?: (getenv('PGDATABASE') ?: 'postgres'));
    return new PDO($place, getenv('PGUSER') ?: 'postgres', getenv('PGPASSWORD') ?: null, $options);
}

function equal($found, $wanted): void
{
    if ($found !== $wanted) {
        throw new Exception(json_encode($found) . ', want ' . json_encode($wanted));
    }
}

function fails(string $state, callable $run): PDOException
{
    try {
        $run();
    } catch (PDOException $error) {
        equal((string) $error->getCode(), $state);
        return $error;
    }
    throw new Exception("no error, want $state");
}

function rows(string $text, array $values = [], array $options = []): array
{
    $statement = connect($options)->prepare($text);
    $statement->execute($values);
    return $statement->fetchAll(PDO::FETCH_NUM);
}

$checks = [
    'set_up' => function () use ($table) {
        $db = connect();
        $db->exec("CREATE TABLE $table (id serial PRIMARY KEY, name varchar(20), "
            . 'price numeric(8,2), ok boolean, raw bytea, big int8, f float8)');
        $db->exec("INSERT INTO $table (name, price, ok, big, f) SELECT 'tea ' || g, g / 4.0, "
            . 'g % 2 = 0, g * 10000000000, g * 1.5 FROM generate_series(1, 200) g');
    },
    'connection' => function () {
        $db = connect();
        equal(substr($db->getAttribute(PDO::ATTR_SERVER_VERSION), 0, 3), '15.');
        equal($db->getAttribute(PDO::ATTR_DRIVER_NAME), 'pgsql');
        $name = getenv('PGDATABASE') ?: 'postgres';
        equal($db->query('SELECT current_database()')->fetchColumn(), $name);
    },
    'types' => function () use ($table) {
        equal(rows("SELECT id, name, price, ok, big, f FROM $table WHERE id = 2"),
            [[2, 'tea 2', '0.50', true, 20000000000, '3']]);
        equal(rows('SELECT NULL, 1::int2, now() IS NOT NULL'), [[null, 1, true]]);
    },
    'parameters' => function () use ($table) {
        foreach ([[], [PDO::ATTR_EMULATE_PREPARES => true],
            [PDO::PGSQL_ATTR_DISABLE_PREPARES => true]] as $options) {
            equal(rows("SELECT id FROM $table WHERE name LIKE :name AND price > :price ORDER BY id "
                . 'LIMIT :count', ['name' => 'tea 1%', 'price' => '4', 'count' => 2], $options),
                [[17], [18]]);
            equal(rows('SELECT ?::text', ["it's \\ 🍵"], $options), [["it's \\ 🍵"]]);
        }
    },
    'bound' => function () use ($table) {
        $db = connect();
        $statement = $db->prepare("INSERT INTO $table (id, ok, raw, name) VALUES (?, ?, ?, ?)");
        $statement->bindValue(1, 900, PDO::PARAM_INT);
        $statement->bindValue(2, false, PDO::PARAM_BOOL);
        $statement->bindValue(3, "\x00\xff", PDO::PARAM_LOB);
        $statement->bindValue(4, null, PDO::PARAM_NULL);
        $statement->execute();
        equal($statement->rowCount(), 1);
        $row = $db->query("SELECT ok, raw, name FROM $table WHERE id = 900")->fetch(PDO::FETCH_NUM);
        equal([$row[0], stream_get_contents($row[1]), $row[2]], [false, "\x00\xff", null]);
        equal($db->exec("DELETE FROM $table WHERE id = 900"), 1);
    },
    'column_meta' => function () use ($table) {
        $statement = connect()->query("SELECT id, name, price, count(*) OVER () AS n FROM $table");
        $found = [];
        foreach (range(0, 3) as $at) {
            $meta = $statement->getColumnMeta($at);
            $found[] = [$meta['name'], $meta['native_type'], $meta['table'] ?? ''];
        }
        equal($found, [['id', 'int4', $table], ['name', 'varchar', $table],
            ['price', 'numeric', $table], ['n', 'int8', '']]);
    },
    'prepared_again' => function () use ($table) {
        $statement = connect()->prepare("SELECT name FROM $table WHERE id = ?");
        for ($number = 1; $number < 10; $number++) {
            $statement->execute([$number]);
            equal($statement->fetchColumn(), "tea $number");
        }
    },
    'last_insert_id' => function () use ($table) {
        $db = connect();
        $db->beginTransaction();
        $db->exec("INSERT INTO $table (name) VALUES ('new')");
        equal($db->lastInsertId("{$table}_id_seq"), $db->lastInsertId());
        $statement = $db->prepare("DELETE FROM $table WHERE name = ? RETURNING id");
        $statement->execute(['new']);
        equal((string) $statement->fetchColumn(), $db->lastInsertId());
        $db->rollBack();
    },
    'cursor' => function () use ($table) {
        $db = connect();
        $db->beginTransaction();
        $statement = $db->prepare("SELECT id FROM $table ORDER BY id",
            [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
        $statement->execute();
        equal($statement->fetch(PDO::FETCH_NUM), [1]);
        equal($statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_LAST), [200]);
        equal($statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_PRIOR), [199]);
        equal($statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_ABS, 50), [50]);
        $statement->closeCursor();
        $db->commit();
    },
    'copy' => function () use ($table) {
        $db = connect();
        $db->beginTransaction();
        $lines = ["1000\tcopied", "1001\t\\N"];
        equal($db->pgsqlCopyFromArray($table, $lines, "\t", '\\\\N', 'id, name'), true);
        $found = $db->query("SELECT name FROM $table WHERE id >= 1000 ORDER BY id");
        equal($found->fetchAll(PDO::FETCH_COLUMN), ['copied', null]);
        $db->exec("DELETE FROM $table WHERE id <> 1000");
        equal($db->pgsqlCopyToArray($table, ';', '-', 'id, name, price'), ["1000;copied;-\n"]);
        $db->rollBack();
    },
    'transactions' => function () use ($table) {
        $db = connect();
        $db->beginTransaction();
        equal($db->inTransaction(), true);
        $db->exec("DELETE FROM $table");
        fails('22012', fn () => $db->query('SELECT 1/0'));
        fails('25P02', fn () => $db->query('SELECT 1'));
        $db->rollBack();
        equal(rows("SELECT count(*) FROM $table"), [[200]]);
    },
    'errors' => function () use ($table) {
        $db = connect();
        $broken = ['42P01' => 'SELECT * FROM no_such', '42601' => 'SELEKT 1',
            '22P02' => "SELECT 'x'::int", '42703' => 'SELECT no_such',
            '23505' => "INSERT INTO $table (id) VALUES (1)"];
        foreach ($broken as $state => $text) {
            fails((string) $state, fn () => $db->exec($text));
            fails((string) $state, fn () => $db->prepare($text)->execute());
        }
        $error = fails('7', fn () => connect([], 'no_such_database'));
        $wanted = 'database "no_such_database" does not exist';
        equal(str_contains($error->getMessage(), $wanted), true);
    },
    'notify' => function () use ($table) {
        $db = connect();
        $db->exec("LISTEN $table");
        connect()->exec("NOTIFY $table, 'hot'");
        equal($db->pgsqlGetNotify(PDO::FETCH_ASSOC, 5000)['payload'], 'hot');
    },
    'pgsql_functions' => function () use ($table) {
        $db = pg_connect(''); // by libpq's variables
        $done = pg_query_params($db, "SELECT id, name FROM $table WHERE id = $1", [3]);
        equal(pg_fetch_assoc($done), ['id' => '3', 'name' => 'tea 3']);
        equal([pg_field_type($done, 0), pg_field_type($done, 1), pg_field_table($done, 0)],
            ['int4', 'varchar', $table]);
        pg_prepare($db, 'by name', "SELECT id FROM $table WHERE name = $1");
        equal(pg_fetch_result(pg_execute($db, 'by name', ['tea 9']), 0, 0), '9');
        equal(pg_copy_to($db, "(SELECT id, name FROM $table WHERE id = 5)"), ["5\ttea 5\n"]);
        $wanted = ['id' => 7, 'name' => 'tea 7'];
        equal(pg_select($db, $table, $wanted)[0]['price'], '1.75');
        $meta = pg_meta_data($db, $table);
        equal([$meta['id']['type'], $meta['id']['not null'], $meta['price']['type']],
            ['int4', true, 'numeric']);
        pg_close($db);
    },
    'clean_up' => function () use ($table) {
        connect()->exec("DROP TABLE IF EXISTS $table");
    },
];

$failed = 0;
foreach ($checks as $name => $check) {
    $isLater = in_array($name, $later, true);
    try {
        $check();
        echo "ok $name" . ($isLater ? ' (no longer to be named in $later)' : '') . "\n";
    } catch (Throwable $error) {
        $failed += $isLater ? 0 : 1;
        $message = preg_replace('/\s+/', ' ', $error->getMessage());
        echo ($isLater ? 'not yet' : 'FAILED') . " $name (line {$error->getLine()}): $message\n";
    }
}
exit($failed ? 1 : 0);
