//! tokio-postgres: connecting, transactions, errors and what constraints say of them, notices,
//! notifications, cancelling.

use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client, Config, Error, IsolationLevel, NoTls};

use crate::checks::{Check, Faults, Outcome, equal, fail, holds};
use crate::place;

pub fn before() -> Vec<Check> {
    crate::checks![set_up]
}

pub fn after() -> Vec<Check> {
    crate::checks![clean_up]
}

pub fn checks() -> Vec<Check> {
    crate::checks![
        tokio_connection,
        tokio_options,
        tokio_no_database,
        tokio_lost_connection,
        tokio_transactions,
        tokio_nested_transactions,
        tokio_transaction_modes,
        tokio_read_only,
        tokio_failed_transaction,
        tokio_serialization_failure,
        tokio_notify,
        tokio_pg_notify,
        tokio_advisory_locks,
    ]
}

pub fn config() -> Config {
    let at = place();
    let mut config = Config::new();
    config.host(at.host).port(at.port).user(at.user).dbname(at.database);
    config.options(format!("-c search_path={},public -c TimeZone=UTC", at.schema));
    config.connect_timeout(Duration::from_secs(10));
    config
}

/// A connection of these settings; its own task drives it.
pub async fn connect(config: &Config) -> Result<Client, Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub async fn client() -> Result<Client, Error> {
    connect(&config()).await
}

/// What the server says besides its answers.
pub async fn client_with_messages() -> Result<(Client, UnboundedReceiver<AsyncMessage>), Error> {
    let (client, mut connection) = config().connect(NoTls).await?;
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            let _ = sender.send(message);
        }
    });
    Ok((client, receiver))
}

/// The server's error of what must fail.
#[track_caller]
pub fn server_error<T>(result: Result<T, Error>) -> Outcome<DbError> {
    let Err(error) = result else { return Err(fail("no error")) };
    error.as_db_error().cloned().ok_or_else(|| fail(crate::checks::whole(&error)))
}

#[track_caller]
pub fn fails<T>(result: Result<T, Error>, code: &str) -> Outcome {
    let found = server_error(result)?;
    if found.code().code() == code {
        return Ok(());
    }
    Err(fail(format!("{} {}, want {code}", found.code().code(), found.message())))
}

pub async fn number(client: &Client, query: &str) -> Result<i64, Error> {
    client.query_one_scalar(query, &[]).await
}

async fn set_up() -> Outcome {
    let client = client().await?;
    client.batch_execute(&format!("CREATE SCHEMA {}", place().schema)).await?;
    let table = "CREATE TABLE t (id int PRIMARY KEY, big bigint, small smallint, real4 real, \
                 name text, code varchar(20), price numeric(10,2), value float8, at timestamptz, \
                 made timestamp, day date, uid uuid, ok boolean, tags text[], doc jsonb, \
                 raw bytea)";
    client.batch_execute(table).await?;
    let rows = "INSERT INTO t (id, big, name, price, value, at, ok) SELECT g, g * 10, 'tea ' || g, \
                g / 4.0, g * 1.5, '2024-03-01 00:00:00+00'::timestamptz + g * interval '1 hour', \
                g % 2 = 0 FROM generate_series(1, 100) g";
    equal(client.execute(rows, &[]).await?, 100)
}

async fn clean_up() -> Outcome {
    let client = client().await?;
    Ok(client.batch_execute(&format!("DROP SCHEMA {} CASCADE", place().schema)).await?)
}

async fn tokio_connection() -> Outcome {
    let mut config = config();
    config.application_name("tea").target_session_attrs(TargetSessionAttrs::ReadWrite);
    let (client, connection) = config.connect(NoTls).await?;
    equal(connection.parameter("application_name"), Some("tea"))?;
    equal(connection.parameter("client_encoding"), Some("UTF8"))?;
    equal(connection.parameter("TimeZone"), Some("UTC"))?;
    equal(connection.parameter("integer_datetimes"), Some("on"))?;
    let version = connection.parameter("server_version").unwrap_or_default();
    holds("server_version is 15", version.starts_with("15"))?;
    tokio::spawn(connection);
    client.check_connection().await?;
    let row = client.query_one("SELECT current_user, current_database()", &[]).await?;
    equal(row.try_get::<_, &str>(0)?, place().user.as_str())?;
    equal(row.try_get::<_, &str>(1)?, place().database.as_str())?;
    config.target_session_attrs(TargetSessionAttrs::ReadOnly);
    holds("a read-only server was found", connect(&config).await.is_err())
}

async fn tokio_options() -> Outcome {
    let mut config = config();
    config.options("-c statement_timeout=7s --lock-timeout=3s -c work_mem=7MB");
    let client = connect(&config).await?;
    let mut faults = Faults::default();
    for (name, wanted) in [("statement_timeout", "7s"), ("lock_timeout", "3s"), ("work_mem", "7MB")]
    {
        let found: String = client.query_one_scalar(&format!("SHOW {name}"), &[]).await?;
        faults.part(name, equal(found.as_str(), wanted));
    }
    config.options("-c no_such_setting=1");
    faults.part("unknown", fails(connect(&config).await, "42704"));
    config.options("-c statement_timeout=long");
    faults.part("wrong", fails(connect(&config).await, "22023"));
    faults.end()
}

async fn tokio_no_database() -> Outcome {
    let mut config = config();
    config.dbname("no_such_tea");
    let error = server_error(connect(&config).await)?;
    equal(error.code().code(), "3D000")?;
    equal(error.severity(), "FATAL")?;
    equal(error.message(), "database \"no_such_tea\" does not exist")
}

async fn tokio_lost_connection() -> Outcome {
    let (client, other) = (client().await?, client().await?);
    let pid: i32 = client.query_one_scalar("SELECT pg_backend_pid()", &[]).await?;
    let ended: bool = other.query_one_scalar("SELECT pg_terminate_backend($1)", &[&pid]).await?;
    holds("pg_terminate_backend gives true", ended)?;
    for _ in 0..100 {
        if client.is_closed() {
            return holds("a query fails", client.query("SELECT 1", &[]).await.is_err());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Err(fail("the connection stays open"))
}

async fn tokio_transactions() -> Outcome {
    let (mut client, other) = (client().await?, client().await?);
    client.batch_execute("CREATE TABLE moves (id int)").await?;
    let transaction = client.transaction().await?;
    equal(transaction.execute("INSERT INTO moves VALUES (1), (2)", &[]).await?, 2)?;
    equal(number(&other, "SELECT count(*) FROM moves").await?, 0)?;
    transaction.commit().await?;
    equal(number(&other, "SELECT count(*) FROM moves").await?, 2)?;
    let transaction = client.transaction().await?;
    transaction.execute("DELETE FROM moves", &[]).await?;
    transaction.rollback().await?;
    equal(number(&client, "SELECT count(*) FROM moves").await?, 2)?;
    let transaction = client.transaction().await?;
    transaction.batch_execute("CREATE TABLE moved (id int); DELETE FROM moves").await?;
    drop(transaction);
    equal(number(&client, "SELECT count(*) FROM moves").await?, 2)?;
    fails(client.query("SELECT * FROM moved", &[]).await, "42P01")
}

async fn tokio_nested_transactions() -> Outcome {
    let mut client = client().await?;
    client.batch_execute("CREATE TEMP TABLE nest (id int)").await?;
    let mut outer = client.transaction().await?;
    outer.execute("INSERT INTO nest VALUES (1)", &[]).await?;
    let inner = outer.transaction().await?;
    inner.execute("INSERT INTO nest VALUES (2)", &[]).await?;
    inner.rollback().await?;
    let mut named = outer.savepoint("tea_point").await?;
    named.execute("INSERT INTO nest VALUES (3)", &[]).await?;
    let deepest = named.transaction().await?;
    fails(deepest.execute("INSERT INTO nest VALUES (1 / 0)", &[]).await, "22012")?;
    drop(deepest);
    named.execute("INSERT INTO nest VALUES (4)", &[]).await?;
    named.commit().await?;
    outer.commit().await?;
    let query = "SELECT array_agg(id ORDER BY id) FROM nest";
    equal(client.query_one_scalar::<Vec<i32>, _>(query, &[]).await?, [1, 3, 4])
}

async fn tokio_transaction_modes() -> Outcome {
    let mut client = client().await?;
    let levels = [
        (IsolationLevel::ReadUncommitted, "read uncommitted"),
        (IsolationLevel::ReadCommitted, "read committed"),
        (IsolationLevel::RepeatableRead, "repeatable read"),
        (IsolationLevel::Serializable, "serializable"),
    ];
    let mut faults = Faults::default();
    for (level, name) in levels {
        let transaction = client.build_transaction().isolation_level(level).start().await?;
        let row = transaction.query_one("SHOW transaction_isolation", &[]).await?;
        faults.part(name, equal(row.try_get::<_, &str>(0)?, name));
        transaction.commit().await?;
    }
    faults.end()
}

async fn tokio_read_only() -> Outcome {
    let mut client = client().await?;
    let transaction = client.build_transaction().read_only(true).start().await?;
    fails(transaction.execute("DELETE FROM t", &[]).await, "25006")?;
    transaction.rollback().await?;
    let modes = client.build_transaction().isolation_level(IsolationLevel::Serializable);
    let transaction = modes.read_only(true).deferrable(true).start().await?;
    let row = transaction.query_one("SHOW transaction_deferrable", &[]).await?;
    equal(row.try_get::<_, &str>(0)?, "on")?;
    transaction.commit().await?;
    let transaction = client.build_transaction().read_only(false).start().await?;
    equal(transaction.execute("UPDATE t SET ok = ok WHERE id = 1", &[]).await?, 1)?;
    Ok(transaction.commit().await?)
}

async fn tokio_failed_transaction() -> Outcome {
    let mut client = client().await?;
    let transaction = client.transaction().await?;
    fails(transaction.query("SELECT * FROM no_such_tea", &[]).await, "42P01")?;
    fails(transaction.query("SELECT 1", &[]).await, "25P02")?;
    fails(transaction.batch_execute("SELECT 1").await, "25P02")?;
    transaction.commit().await?; // is a rollback then
    equal(number(&client, "SELECT count(*) FROM t").await?, 100)
}

async fn tokio_serialization_failure() -> Outcome {
    let (mut one, mut two) = (client().await?, client().await?);
    let level = IsolationLevel::RepeatableRead;
    let first = one.build_transaction().isolation_level(level).start().await?;
    let second = two.build_transaction().isolation_level(level).start().await?;
    for transaction in [&first, &second] {
        transaction.query("SELECT * FROM t WHERE id = 50", &[]).await?;
    }
    first.execute("UPDATE t SET real4 = 1 WHERE id = 50", &[]).await?;
    first.commit().await?;
    let outcome = match second.execute("UPDATE t SET real4 = 2 WHERE id = 50", &[]).await {
        Ok(_) => second.commit().await,
        Err(error) => Err(error),
    };
    fails(outcome, "40001")
}

/// The next notification as channel and payload, or none after a while.
async fn heard(messages: &mut UnboundedReceiver<AsyncMessage>) -> Option<(String, String)> {
    let next = timeout(Duration::from_millis(1500), messages.recv()).await;
    match next {
        Ok(Some(AsyncMessage::Notification(one))) => {
            Some((one.channel().to_owned(), one.payload().to_owned()))
        }
        _ => None,
    }
}

async fn tokio_notify() -> Outcome {
    let (listener, mut messages) = client_with_messages().await?;
    let mut sender = client().await?;
    let some = |channel: &str, payload: &str| Some((channel.to_owned(), payload.to_owned()));
    listener.batch_execute("LISTEN tea; LISTEN \"Tea Two\"").await?;
    sender.batch_execute("NOTIFY tea, 'leaf'").await?;
    equal(heard(&mut messages).await, some("tea", "leaf"))?;
    sender.batch_execute("NOTIFY \"Tea Two\", 'x'").await?;
    equal(heard(&mut messages).await, some("Tea Two", "x"))?;
    listener.batch_execute("NOTIFY tea").await?;
    equal(heard(&mut messages).await, some("tea", ""))?;
    let transaction = sender.transaction().await?;
    transaction.batch_execute("NOTIFY tea, 'same'; NOTIFY tea, 'same'; NOTIFY tea, 'b'").await?;
    transaction.commit().await?;
    equal(heard(&mut messages).await, some("tea", "same"))?;
    equal(heard(&mut messages).await, some("tea", "b"))?;
    let transaction = sender.transaction().await?;
    transaction.batch_execute("NOTIFY tea, 'lost'").await?;
    transaction.rollback().await?;
    listener.batch_execute("UNLISTEN tea").await?;
    sender.batch_execute("NOTIFY tea, 'unheard'; NOTIFY \"Tea Two\", 'last'").await?;
    equal(heard(&mut messages).await, some("Tea Two", "last"))
}
async fn tokio_pg_notify() -> Outcome {
    let (listener, mut messages) = client_with_messages().await?;
    listener.batch_execute("LISTEN \"Tea Three\"").await?;
    let done = client().await?.execute("SELECT pg_notify($1, $2)", &[&"Tea Three", &"x"]).await?;
    equal(done, 1)?;
    equal(heard(&mut messages).await, Some(("Tea Three".to_owned(), "x".to_owned())))
}

async fn tokio_advisory_locks() -> Outcome {
    let (one, two) = (client().await?, client().await?);
    one.execute("SELECT pg_advisory_lock($1)", &[&77_i64]).await?;
    let query = "SELECT pg_try_advisory_lock($1)";
    equal(two.query_one_scalar::<bool, _>(query, &[&77_i64]).await?, false)?;
    one.execute("SELECT pg_advisory_unlock($1)", &[&77_i64]).await?;
    equal(two.query_one_scalar::<bool, _>(query, &[&77_i64]).await?, true)
}
