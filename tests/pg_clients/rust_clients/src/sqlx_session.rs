//! sqlx: connecting, its pool, transactions, errors, notifications, migrations, advisory locks.

use std::path::Path;
use std::time::Duration;

use futures_util::future::{join, try_join_all};
use sqlx::error::ErrorKind;
use sqlx::migrate::{MigrateDatabase, MigrateError, Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{
    PgAdvisoryLock, PgConnectOptions, PgConnection, PgDatabaseError, PgErrorPosition, PgListener,
    PgPool, PgPoolOptions,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Either, Error, Executor, Postgres, Row, SqlSafeStr,
};
use tokio::time::timeout;

use crate::checks::{Check, Faults, Outcome, equal, fail, holds};
use crate::place;

pub fn checks() -> Vec<Check> {
    crate::checks![
        sqlx_connection,
        sqlx_settings,
        sqlx_url,
        sqlx_no_database,
        sqlx_wrong_option,
        sqlx_pool,
        sqlx_pool_after_errors,
        sqlx_pool_after_a_lost_connection,
        sqlx_transactions,
        sqlx_nested_transactions,
        sqlx_transaction_modes,
        sqlx_failed_transaction,
        sqlx_errors,
        sqlx_constraints,
        sqlx_listener,
        sqlx_pg_notify,
        sqlx_listener_in_a_transaction,
        sqlx_advisory_lock,
        sqlx_migrations,
        sqlx_migrations_from_two_sides,
        sqlx_migration_fails,
        sqlx_migration_without_transaction,
        sqlx_databases,
    ]
}

pub fn options() -> PgConnectOptions {
    let at = place();
    PgConnectOptions::new()
        .host(&at.host)
        .port(at.port)
        .username(&at.user)
        .database(&at.database)
        .options([("search_path", format!("{},public", at.schema))])
}

pub async fn pool(size: u32) -> Result<PgPool, Error> {
    PgPoolOptions::new().max_connections(size).connect_with(options()).await
}

pub async fn connection() -> Result<PgConnection, Error> {
    options().connect().await
}

pub async fn count(on: &PgPool, table: &str) -> Result<i64, Error> {
    let query = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(query).fetch_one(on).await
}

#[track_caller]
pub fn fails<T>(result: Result<T, Error>, code: &str) -> Outcome {
    match result {
        Ok(_) => Err(fail(format!("no error, want {code}"))),
        Err(Error::Database(error)) if error.code().as_deref() == Some(code) => Ok(()),
        Err(error) => Err(fail(format!("{}, want {code}", crate::checks::whole(&error)))),
    }
}

async fn sqlx_connection() -> Outcome {
    let options = options()
        .application_name("tea")
        .extra_float_digits(2)
        .options([("statement_timeout", "5min"), ("lock_timeout", "1s")]);
    let mut one = options.connect().await?;
    holds("the version is 15", one.server_version_num().is_some_and(|n| n / 10_000 == 15))?;
    let names =
        ["application_name", "extra_float_digits", "lock_timeout", "statement_timeout", "TimeZone"];
    let query = "SELECT array_agg(current_setting(n) ORDER BY lower(n)) FROM unnest($1) n";
    let found: Vec<String> = sqlx::query_scalar(query).bind(names).fetch_one(&mut one).await?;
    equal(found, ["tea", "2", "1s", "5min", "UTC"])?;
    one.ping().await?;
    sqlx::raw_sql(";").execute(&mut one).await?;
    equal(sqlx::query("").execute(&mut one).await?.rows_affected(), 0)?;
    Ok(one.close().await?)
}

async fn sqlx_settings() -> Outcome {
    let mut one = options().options([("statement_timeout", "7s")]).connect().await?;
    let query = "SELECT setting FROM pg_settings WHERE name = $1";
    let found: String =
        sqlx::query_scalar(query).bind("statement_timeout").fetch_one(&mut one).await?;
    equal(found.as_str(), "7000")
}

async fn sqlx_url() -> Outcome {
    let at = place();
    let url = format!(
        "postgres://{}@{}:{}/{}?application_name=leaf&sslmode=prefer\
        &options[search_path]={}&options[work_mem]=7MB",
        at.user, at.host, at.port, at.database, at.schema
    );
    let mut one = PgConnection::connect(&url).await?;
    let query = "SELECT current_setting('search_path'), current_setting('application_name'), \
                 current_setting('work_mem'), current_schema()::text";
    let found: (String, String, String, Option<String>) =
        sqlx::query_as(query).fetch_one(&mut one).await?;
    equal(found, (at.schema.clone(), "leaf".to_owned(), "7MB".to_owned(), Some(at.schema)))
}

async fn sqlx_no_database() -> Outcome {
    fails(options().database("no_such_tea").connect().await, "3D000")
}

async fn sqlx_wrong_option() -> Outcome {
    fails(options().options([("no_such_setting", "1")]).connect().await, "42704")?;
    fails(options().options([("statement_timeout", "long")]).connect().await, "22023")
}

async fn sqlx_pool() -> Outcome {
    let settings = PgPoolOptions::new().max_connections(3).min_connections(1);
    let settings = settings.acquire_timeout(Duration::from_secs(10)).after_connect(|one, _| {
        Box::pin(async move { one.execute("SET application_name = 'pooled'").await.map(|_| ()) })
    });
    let pool = settings.connect_with(options()).await?;
    let ids = 1..=60;
    let found = try_join_all(ids.clone().map(async |id: i32| {
        let query =
            "SELECT id FROM t WHERE id = $1 AND current_setting('application_name') = 'pooled'";
        sqlx::query_scalar::<_, i32>(query).bind(id).fetch_one(&pool).await
    }));
    equal(found.await?, ids.collect::<Vec<_>>())?;
    holds("3 connections at most", pool.size() <= 3)?;
    let held: Vec<PoolConnection<Postgres>> = try_join_all((0..3).map(|_| pool.acquire())).await?;
    holds("no fourth", pool.try_acquire().is_none())?;
    drop(held);
    equal(count(&pool, "t").await?, 100)?;
    pool.close().await;
    holds("it is closed", pool.is_closed())
}

/// An error and a query that is left alone leave the pool in order.
async fn sqlx_pool_after_errors() -> Outcome {
    let pool = pool(1).await?;
    fails(sqlx::query("SELECT 1 / 0").execute(&pool).await, "22012")?;
    equal(count(&pool, "t").await?, 100)?;
    let slow = sqlx::query("SELECT pg_sleep(0.3)").execute(&pool);
    holds("it is left alone", timeout(Duration::from_millis(50), slow).await.is_err())?;
    equal(count(&pool, "t").await?, 100)
}

async fn sqlx_pool_after_a_lost_connection() -> Outcome {
    let pool = pool(1).await?;
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&pool).await?;
    let mut other = connection().await?;
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut other).await?;
    equal(count(&pool, "t").await?, 100)
}

async fn sqlx_transactions() -> Outcome {
    let pool = pool(2).await?;
    pool.execute("CREATE TABLE kept (id int)").await?;
    let mut transaction = pool.begin().await?;
    let done = sqlx::query("INSERT INTO kept VALUES ($1), ($2)").bind(1).bind(2);
    equal(done.execute(&mut *transaction).await?.rows_affected(), 2)?;
    equal(count(&pool, "kept").await?, 0)?;
    transaction.commit().await?;
    equal(count(&pool, "kept").await?, 2)?;
    let mut transaction = pool.begin().await?;
    transaction.execute("DELETE FROM kept").await?;
    transaction.rollback().await?;
    let mut transaction = pool.begin().await?;
    transaction.execute("DELETE FROM kept; CREATE TABLE unkept (id int)").await?;
    drop(transaction); // rolls back when its connection is next used
    equal(count(&pool, "kept").await?, 2)?;
    fails(count(&pool, "unkept").await, "42P01")
}

async fn sqlx_nested_transactions() -> Outcome {
    let pool = pool(1).await?;
    pool.execute("CREATE TABLE nested (id int)").await?;
    let mut outer = pool.begin().await?;
    outer.execute("INSERT INTO nested VALUES (1)").await?;
    let mut inner = outer.begin().await?;
    inner.execute("INSERT INTO nested VALUES (2)").await?;
    let mut deepest = inner.begin().await?;
    fails(deepest.execute("INSERT INTO nested VALUES ('x')").await, "22P02")?;
    deepest.rollback().await?;
    inner.commit().await?;
    let mut dropped = outer.begin().await?;
    dropped.execute("INSERT INTO nested VALUES (3)").await?;
    drop(dropped);
    outer.execute("INSERT INTO nested VALUES (4)").await?;
    outer.commit().await?;
    let query = "SELECT array_agg(id ORDER BY id) FROM nested";
    equal(sqlx::query_scalar::<_, Vec<i32>>(query).fetch_one(&pool).await?, [1, 2, 4])
}

async fn sqlx_transaction_modes() -> Outcome {
    let pool = pool(1).await?;
    let begin = "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY";
    let mut transaction = pool.begin_with(begin).await?;
    let query = "SELECT current_setting('transaction_isolation'), \
                 current_setting('transaction_read_only')";
    let found: (String, String) = sqlx::query_as(query).fetch_one(&mut *transaction).await?;
    equal(found, ("serializable".to_owned(), "on".to_owned()))?;
    fails(transaction.execute("UPDATE t SET ok = ok").await, "25006")?;
    transaction.rollback().await?;
    let mut transaction = pool.begin().await?;
    transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
    let found: String =
        sqlx::query_scalar("SHOW transaction_isolation").fetch_one(&mut *transaction).await?;
    equal(found.as_str(), "repeatable read")?;
    transaction.commit().await?;
    let wrong = pool.begin_with("SELECT 1").await;
    holds("a BEGIN that begins nothing", matches!(wrong, Err(Error::BeginFailed)))
}

async fn sqlx_failed_transaction() -> Outcome {
    let pool = pool(1).await?;
    let mut transaction = pool.begin().await?;
    fails(sqlx::query("SELECT nope").execute(&mut *transaction).await, "42703")?;
    fails(sqlx::query("SELECT $1::int").bind(1).execute(&mut *transaction).await, "25P02")?;
    drop(transaction);
    equal(count(&pool, "t").await?, 100)
}

async fn sqlx_errors() -> Outcome {
    let mut one = connection().await?;
    let Err(error) = sqlx::query("SELECT nope FROM t").execute(&mut one).await else {
        return Err(fail("no error"));
    };
    let error = error.into_database_error().ok_or_else(|| fail("no server's error"))?;
    let error = error.downcast_ref::<PgDatabaseError>();
    equal(error.code(), "42703")?;
    equal(error.message(), "column \"nope\" does not exist")?;
    equal(format!("{:?}", error.severity()).as_str(), "Error")?;
    holds("position", matches!(error.position(), Some(PgErrorPosition::Original(8))))?;
    let wrong = sqlx::query_as::<_, (i32,)>("SELECT name FROM t").fetch_one(&mut one).await;
    holds("a wrong type is seen", matches!(wrong, Err(Error::ColumnDecode { .. })))?;
    let none = sqlx::query("SELECT 1 WHERE false").fetch_one(&mut one).await;
    holds("no row", matches!(none, Err(Error::RowNotFound)))
}

async fn sqlx_constraints() -> Outcome {
    let mut one = connection().await?;
    one.execute(
        "CREATE TABLE jars (id int PRIMARY KEY, size int NOT NULL, \
        CONSTRAINT jar_size CHECK (size > 0)); INSERT INTO jars VALUES (1, 1); \
        CREATE TABLE lids (jar int CONSTRAINT lid_jar REFERENCES jars (id))",
    )
    .await?;
    let mut faults = Faults::default();
    for (query, kind, table, constraint) in [
        ("INSERT INTO jars VALUES (1, 2)", ErrorKind::UniqueViolation, "jars", Some("jars_pkey")),
        ("INSERT INTO jars VALUES (2, NULL)", ErrorKind::NotNullViolation, "jars", None),
        ("INSERT INTO jars VALUES (2, 0)", ErrorKind::CheckViolation, "jars", Some("jar_size")),
        ("INSERT INTO lids VALUES (9)", ErrorKind::ForeignKeyViolation, "lids", Some("lid_jar")),
    ] {
        let Err(Error::Database(error)) = sqlx::query(query).execute(&mut one).await else {
            return Err(fail(format!("{query}: no server's error")));
        };
        equal(format!("{:?}", error.kind()), format!("{kind:?}"))?;
        faults.part(query, equal((error.table(), error.constraint()), (Some(table), constraint)));
    }
    faults.end()
}

async fn next(listener: &mut PgListener) -> Outcome<(String, String)> {
    match timeout(Duration::from_secs(2), listener.recv()).await {
        Ok(heard) => Ok(heard.map(|one| (one.channel().to_owned(), one.payload().to_owned()))?),
        Err(_) => Err(fail("nothing was heard")),
    }
}

async fn sqlx_listener() -> Outcome {
    let pool = pool(2).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("tea").await?;
    listener.listen_all(["Tea Two", "three"]).await?;
    pool.execute("NOTIFY tea, 'leaf'").await?;
    equal(next(&mut listener).await?, ("tea".to_owned(), "leaf".to_owned()))?;
    pool.execute("NOTIFY \"Tea Two\", 'x'").await?;
    equal(next(&mut listener).await?, ("Tea Two".to_owned(), "x".to_owned()))?;
    listener.unlisten("tea").await?;
    pool.execute("NOTIFY tea, 'unheard'; NOTIFY three, 'last'").await?;
    equal(next(&mut listener).await?.1.as_str(), "last")?;
    listener.unlisten_all().await?;
    pool.execute("NOTIFY three").await?;
    holds("nothing is heard", next(&mut listener).await.is_err())
}
async fn sqlx_pg_notify() -> Outcome {
    let pool = pool(2).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen_all(["leaf", "Leaf Two"]).await?;
    sqlx::query("SELECT pg_notify($1, $2)").bind("Leaf Two").bind("x").execute(&pool).await?;
    equal(next(&mut listener).await?, ("Leaf Two".to_owned(), "x".to_owned()))?;
    let query = "SELECT pg_notify(chan, said) FROM (VALUES ('leaf', 'a'), ('Leaf Two', 'b')) \
                 v (chan, said)";
    sqlx::query(query).execute(&pool).await?;
    equal(next(&mut listener).await?.1.as_str(), "a")?;
    equal(next(&mut listener).await?.1.as_str(), "b")
}

async fn sqlx_listener_in_a_transaction() -> Outcome {
    let pool = pool(2).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("brew").await?;
    let mut transaction = pool.begin().await?;
    transaction.execute("NOTIFY brew, 'lost'").await?;
    transaction.rollback().await?;
    let mut transaction = pool.begin().await?;
    transaction.execute("NOTIFY brew, 'kept'").await?;
    transaction.commit().await?;
    equal(next(&mut listener).await?.1.as_str(), "kept")
}

async fn sqlx_advisory_lock() -> Outcome {
    let lock = PgAdvisoryLock::new(place().schema);
    let (one, two) = (connection().await?, connection().await?);
    let held = lock.acquire(one).await?;
    let Either::Right(two) = lock.try_acquire(two).await? else {
        return Err(fail("the lock was had twice"));
    };
    held.release_now().await?;
    let Either::Left(held) = lock.try_acquire(two).await? else {
        return Err(fail("the lock was not set free"));
    };
    held.release_now().await?;
    Ok(())
}

fn migration(version: i64, sql: &'static str, no_tx: bool) -> Migration {
    let name = format!("tea {version}").into();
    Migration::new(version, name, MigrationType::Simple, sql.into_sql_str(), no_tx)
}

fn migrator(table: &'static str, steps: &[(&'static str, bool)]) -> Migrator {
    let steps = (1..).zip(steps).map(|(at, (sql, no_tx))| migration(at, sql, *no_tx)).collect();
    let mut migrator = Migrator::with_migrations(steps);
    migrator.dangerous_set_table_name(table);
    migrator
}

async fn sqlx_migrations() -> Outcome {
    let pool = pool(2).await?;
    let from_files = Migrator::new(Path::new("migrations")).await?; // `run` starts in the crate
    from_files.run_to(1, &pool).await?;
    equal(count(&pool, "gardens").await?, 2)?;
    from_files.run(&pool).await?;
    from_files.run(&pool).await?;
    pool.execute("INSERT INTO beds VALUES (1, 1)").await?;
    fails(pool.execute("INSERT INTO beds VALUES (2, 99)").await, "23503")?;
    let query = "SELECT version, description, success, octet_length(checksum), execution_time > 0 \
                 FROM _sqlx_migrations ORDER BY version";
    let found: Vec<(i64, String, bool, i32, bool)> = sqlx::query_as(query).fetch_all(&pool).await?;
    let row = |version, name: &str| (version, name.to_owned(), true, 48, true);
    equal(found, vec![row(1, "gardens"), row(2, "beds")])?;
    from_files.undo(&pool, 1).await?;
    fails(count(&pool, "beds").await, "42P01")?;
    from_files.undo(&pool, 0).await?;
    fails(count(&pool, "gardens").await, "42P01")?;
    equal(count(&pool, "_sqlx_migrations").await?, 0)
}

async fn sqlx_migrations_from_two_sides() -> Outcome {
    let (one, two) = (pool(1).await?, pool(1).await?);
    let both = migrator(
        "sides",
        &[("CREATE TABLE side (id int)", false), ("INSERT INTO side VALUES (1), (2)", false)],
    );
    let (first, second) = join(both.run(&one), both.run(&two)).await;
    first?;
    second?;
    equal(count(&one, "side").await?, 2)?;
    let changed = migrator(
        "sides",
        &[("CREATE TABLE other (id int)", false), ("INSERT INTO side VALUES (1), (2)", false)],
    );
    // The lock is kept when a migrator fails, so this comes last, on a connection that ends.
    let outcome = changed.run(&one).await;
    one.close().await;
    holds("a change is seen", matches!(outcome, Err(MigrateError::VersionMismatch(1))))
}

async fn sqlx_migration_fails() -> Outcome {
    let pool = pool(2).await?;
    let bad = migrator(
        "failing",
        &[
            ("CREATE TABLE brewed (id int)", false),
            ("INSERT INTO brewed VALUES (1); SELECT nope;", false),
        ],
    );
    let mut one = connection().await?;
    let outcome = bad.run(&mut one).await;
    one.close().await?;
    holds("the second fails", matches!(outcome, Err(MigrateError::ExecuteMigration(_, 2))))?;
    equal(count(&pool, "brewed").await?, 0)?;
    equal(count(&pool, "failing").await?, 1)
}

async fn sqlx_migration_without_transaction() -> Outcome {
    let pool = pool(1).await?;
    let plain = migrator(
        "plain",
        &[
            ("CREATE TABLE slow (id int)", false),
            ("CREATE INDEX CONCURRENTLY slow_id ON slow (id)", true),
        ],
    );
    plain.run(&pool).await?;
    equal(count(&pool, "plain").await?, 2)
}

async fn sqlx_databases() -> Outcome {
    let at = place();
    let url = format!("postgres://{}@{}:{}/{}_db", at.user, at.host, at.port, at.schema);
    equal(Postgres::database_exists(&url).await?, false)?;
    Postgres::create_database(&url).await?;
    equal(Postgres::database_exists(&url).await?, true)?;
    let mut one = PgConnection::connect(&url).await?;
    one.execute("CREATE TABLE here (id int)").await?;
    let row = one.fetch_one("SELECT current_database()::text").await?;
    equal(row.try_get::<String, _>(0)?, format!("{}_db", at.schema))?;
    one.close().await?;
    Postgres::drop_database(&url).await?;
    equal(Postgres::database_exists(&url).await?, false)
}
