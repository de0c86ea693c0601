//! How a connection begins: what is negotiated, reported, refused.

use crate::harness::{connect, is_oracle, shared};
use crate::messages::{Out, startup, untagged};
use crate::raw_client::{RawClient, show_all};

const PROTOCOL_3_0: u32 = 196_608;
const PROTOCOL_3_2: u32 = 196_610;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

fn start(client: &mut RawClient, version: u32, extra: &[(&str, &str)]) -> Vec<String> {
    let params = [&[("user", "postgres"), ("database", "postgres")], extra].concat();
    client.send_bytes(&startup(version, &params));
    show_all(&client.read_until_ready())
}

#[test]
fn reports_what_postgresql_15_reports() {
    let client = connect();
    let expected = [
        ("DateStyle", "ISO, MDY"),
        ("IntervalStyle", "postgres"),
        ("application_name", ""),
        ("client_encoding", "UTF8"),
        ("default_transaction_read_only", "off"),
        ("in_hot_standby", "off"),
        ("integer_datetimes", "on"),
        ("is_superuser", "on"),
        ("server_encoding", "UTF8"),
        ("session_authorization", "postgres"),
        ("standard_conforming_strings", "on"),
    ];
    for (name, value) in expected {
        assert_eq!(client.params.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(client.params["server_version"].starts_with("15."), "{:?}", client.params);
    assert!(!client.params["TimeZone"].is_empty());
    assert_eq!(client.params.len(), expected.len() + 2, "{:?}", client.params.keys());
}

#[test]
fn gives_each_connection_a_key_of_its_own() {
    let (one, two) = (connect(), connect());
    assert_ne!(one.key.unwrap(), two.key.unwrap());
    assert_ne!(one.key.unwrap().1, 0, "a secret of 0 can be guessed");
}

#[test]
fn declines_encryption_and_goes_on() {
    let mut client = RawClient::open(shared());
    // Debian's PostgreSQL is built with GSSAPI and would accept.
    if !is_oracle() {
        client.send_bytes(&untagged(&GSSENC_REQUEST.to_be_bytes()));
        assert_eq!(client.read_byte(), b'N');
    }
    client.send_bytes(&untagged(&SSL_REQUEST.to_be_bytes()));
    assert_eq!(client.read_byte(), b'N');
    assert_eq!(start(&mut client, PROTOCOL_3_0, &[]).last().unwrap(), "Z I");
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn negotiates_down_from_protocol_3_2() {
    let mut client = RawClient::open(shared());
    let replies = start(&mut client, PROTOCOL_3_2, &[]);
    assert_eq!(replies.last().unwrap(), "Z I", "{replies:?}");
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn names_the_protocol_options_that_it_does_not_know() {
    let mut client = RawClient::open(shared());
    let options = [("user", "postgres"), ("database", "postgres"), ("_pq_.no_such_option", "1")];
    client.send_bytes(&startup(PROTOCOL_3_0, &options));
    let replies = client.read_until_ready();
    assert_eq!(replies.last().unwrap().show(), "Z I");
    let negotiate = replies.iter().find(|message| message.tag == b'v');
    let body = &negotiate.expect("no NegotiateProtocolVersion").body;
    assert!(String::from_utf8_lossy(body).contains("_pq_.no_such_option"));
}

#[test]
fn refuses_a_database_that_does_not_exist() {
    let mut client = RawClient::open(shared());
    let params = [("user", "postgres"), ("database", "no_such_database")];
    client.send_bytes(&startup(PROTOCOL_3_0, &params));
    let error = client.read_until_ready().pop().unwrap().error();
    assert_eq!((error[&'S'].as_str(), error[&'C'].as_str()), ("FATAL", "3D000"));
    assert_eq!(error[&'V'], "FATAL");
    assert_eq!(error[&'M'], "database \"no_such_database\" does not exist");
    assert!(client.try_read().is_none(), "a FATAL error ends the connection");
}

#[test]
fn takes_the_database_from_the_user_when_none_is_named() {
    let mut client = RawClient::open(shared());
    client.send_bytes(&startup(PROTOCOL_3_0, &[("user", "postgres")]));
    assert_eq!(client.read_until_ready().pop().unwrap().show(), "Z I");
    assert_eq!(client.value("SELECT current_database()"), "postgres");
}

#[test]
fn sets_what_the_startup_message_sets() {
    let extra = [("application_name", "tea"), ("TimeZone", "Europe/Zurich"), ("datestyle", "ISO")];
    let mut client = RawClient::connect_with(shared(), &extra);
    assert_eq!(client.params["application_name"], "tea");
    assert_eq!(client.params["TimeZone"], "Europe/Zurich");
    assert_eq!(client.value("SHOW application_name"), "tea");
    assert_eq!(client.value("SHOW timezone"), "Europe/Zurich");
    let shown = client.value("SELECT timestamptz '2024-07-01 12:00:00+00'");
    assert_eq!(shown, "2024-07-01 14:00:00+02");
}

#[test]
fn takes_settings_from_options_and_quoted_values() {
    // asyncpg sends the encoding with quotes; libpq's `options` carries -c settings.
    let extra = [
        ("client_encoding", "'utf-8'"),
        ("options", "-c extra_float_digits=2 -c search_path=public"),
    ];
    let mut client = RawClient::connect_with(shared(), &extra);
    assert_eq!(client.value("SHOW extra_float_digits"), "2");
    assert_eq!(client.value("SHOW search_path"), "public");
}

#[test]
fn refuses_options_that_do_not_exist() {
    for (options, code) in [("-c no_such=1", "42704"), ("-c server_version=9", "55P02")] {
        let mut client = RawClient::open(shared());
        let params = [("user", "postgres"), ("database", "postgres"), ("options", options)];
        client.send_bytes(&startup(PROTOCOL_3_0, &params));
        let refusal = std::iter::from_fn(|| client.try_read()).find(|reply| reply.tag == b'E');
        let error = refusal.unwrap().error();
        assert_eq!((error[&'S'].as_str(), error[&'C'].as_str()), ("FATAL", code));
    }
}

#[test]
fn reports_a_setting_that_changes() {
    let mut client = connect();
    client.run("SET application_name = 'later'");
    assert_eq!(client.params["application_name"], "later");
    client.run("SET TIME ZONE 'UTC'");
    assert_eq!(client.params["TimeZone"], "UTC");
    client.run("RESET application_name");
    assert_eq!(client.params["application_name"], "");
}

#[test]
fn refuses_an_absurd_length_before_anyone_is_known() {
    for length in [0x7fff_ffffu32, 0xffff_fff0, 3, 0, 1_000_000] {
        let mut client = RawClient::open(shared());
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(PROTOCOL_3_0.to_be_bytes());
        bytes.extend([b'x'; 64]);
        client.try_send_bytes(&bytes);
        while let Some(message) = client.try_read() {
            assert_eq!(message.tag, b'E', "length {length}");
        }
    }
    assert_eq!(connect().value("SELECT 1"), "1");
}

#[test]
fn refuses_an_unknown_protocol_and_garbage() {
    let mut client = RawClient::open(shared());
    client.send_bytes(&startup(0x0005_0000, &[("user", "postgres")]));
    let reply = client.read();
    assert_eq!(reply.tag, b'E');
    assert_eq!(reply.error()[&'S'], "FATAL");

    let mut client = RawClient::open(shared());
    client.try_send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while let Some(message) = client.try_read() {
        assert_eq!(message.tag, b'E');
    }
    assert_eq!(connect().value("SELECT 1"), "1");
}

#[test]
fn refuses_a_message_of_unknown_kind_or_bad_length() {
    let mut client = connect();
    client.send(Out::new().message(b'?', b""));
    let error = client.read().error();
    assert_eq!((error[&'S'].as_str(), error[&'C'].as_str()), ("FATAL", "08P01"));
    assert!(client.try_read().is_none());

    let mut client = connect();
    client.try_send_bytes(&[b'Q', 0, 0, 0, 2]);
    while let Some(message) = client.try_read() {
        assert_eq!(message.error()[&'C'], "08P01");
    }
}

#[test]
fn ends_at_terminate() {
    let mut client = connect();
    client.send(Out::new().terminate());
    assert!(client.try_read().is_none());
}

#[test]
fn survives_many_connections_opened_at_once() {
    let addr = shared();
    let count = if is_oracle() { 20 } else { 64 };
    let open = |_| std::thread::spawn(move || RawClient::connect(addr).value("SELECT 41 + 1"));
    let threads: Vec<_> = (0..count).map(open).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), "42");
    }
}
