//! Starts, stops, kills and restarts the server under test, and connects to it.
//!
//! **Invariant:** no server outlives its test: one of a test's own is killed on drop, the shared
//! one by a watcher that ends when the test process does, however that ends.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::messages::startup;
use crate::raw_client::{PROTOCOL_3_0, RawClient};

/// How long a server may take until its port accepts.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Where the tests connect when they do not start a server themselves.
fn external() -> Option<SocketAddr> {
    let text = std::env::var("TEATREE_TEST_ADDR").ok().filter(|text| !text.is_empty())?;
    Some(text.to_socket_addrs().unwrap().next().unwrap())
}

/// Tells whether the server under test is a real PostgreSQL.
pub fn is_oracle() -> bool {
    std::env::var("TEATREE_TEST_ORACLE").is_ok_and(|value| value == "1")
}

/// Tells, loudly, that a test was left out. Returns true when it must be.
pub fn skip_on_oracle(what: &str) -> bool {
    if is_oracle() {
        eprintln!("skipped on PostgreSQL: {what}");
    }
    is_oracle()
}

static SHARED: OnceLock<(SocketAddr, Option<PathBuf>)> = OnceLock::new();

fn shared_place() -> &'static (SocketAddr, Option<PathBuf>) {
    SHARED.get_or_init(|| {
        if let Some(addr) = external() {
            return (addr, None);
        }
        let server = Server::start(&[]).expect("no TEATREE_TEST_ADDR is set");
        watch(server.pid(), server.home.path());
        let place = (server.addr, Some(server.dir()));
        std::mem::forget(server);
        place
    })
}

/// The server that all tests share which do not harm it.
pub fn shared() -> SocketAddr {
    shared_place().0
}

/// The data folder of the shared server, where it is known.
pub fn shared_dir() -> Option<&'static Path> {
    shared_place().1.as_deref()
}

/// Connects to the shared server.
pub fn connect() -> RawClient {
    RawClient::connect(shared())
}

/// A table name that no other test of this or an earlier run uses.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    format!("{name}_{}_{nanos}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Ends the shared server when this process ends: nothing runs `drop` for a static.
fn watch(pid: u32, dir: &Path) {
    let watcher = Command::new("sh")
        .args(["-c", "cat >/dev/null; kill -9 \"$1\" 2>/dev/null; rm -rf \"$2\"", "watcher"])
        .args([&pid.to_string(), &dir.display().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::mem::forget(watcher);
}

/// One server process on a folder of its own.
pub struct Server {
    child: Option<Child>,
    home: TempDir,
    dir: PathBuf,
    args: Vec<String>,
    pub addr: SocketAddr,
}

impl Server {
    /// Starts a server with further flags; `None`, with a notice, when an external one is tested.
    pub fn start(args: &[&str]) -> Option<Server> {
        if external().is_some() {
            eprintln!("skipped: this test needs a server of its own and TEATREE_TEST_ADDR is set");
            return None;
        }
        let home = TempDir::with_prefix("teatree-it-").unwrap();
        let dir = home.path().join("data");
        Some(Server::begin(home, dir, args))
    }

    /// The same on a copy of a data folder that no server has open.
    pub fn start_on(template: &Path, args: &[&str]) -> Option<Server> {
        if external().is_some() {
            return None;
        }
        let home = TempDir::with_prefix("teatree-it-").unwrap();
        let dir = home.path().join("data");
        copy_folder(template, &dir);
        Some(Server::begin(home, dir, args))
    }

    /// The same with its data in a folder that the test chose.
    pub fn start_in(dir: &Path, args: &[&str]) -> Option<Server> {
        if external().is_some() {
            return None;
        }
        let home = TempDir::with_prefix("teatree-it-").unwrap();
        Some(Server::begin(home, dir.to_owned(), args))
    }

    /// Names a folder and flags, and starts nothing yet.
    pub fn prepare_in(dir: &Path, args: &[&str]) -> Server {
        Server::prepare(TempDir::with_prefix("teatree-it-").unwrap(), dir.to_owned(), args)
    }

    fn prepare(home: TempDir, dir: PathBuf, args: &[&str]) -> Server {
        let mut server = Server { child: None, home, dir, args: Vec::new(), addr: free_addr() };
        server.set_args(args);
        server
    }

    fn begin(home: TempDir, dir: PathBuf, args: &[&str]) -> Server {
        let mut server = Server::prepare(home, dir, args);
        server.run();
        server
    }

    /// Starts the process and tells whether it accepts; if not, it has ended.
    pub fn try_start(&mut self) -> bool {
        self.spawn();
        let deadline = Instant::now() + START_LIMIT;
        while !answers(self.addr) {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                self.child = None;
                if !self.log().trim_end().ends_with("Address already in use (os error 98)") {
                    return false;
                }
                // Another test was quicker to take the port.
                self.addr = free_addr();
                self.spawn();
            }
            assert!(Instant::now() < deadline, "the server does not accept:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Chooses the flags of the next start.
    pub fn set_args(&mut self, args: &[&str]) {
        self.args = args.iter().map(ToString::to_string).collect();
    }

    /// Starts the process again on the same data; the old one must have ended.
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "the server still runs");
        self.addr = free_addr();
        self.run();
    }

    fn run(&mut self) {
        assert!(self.try_start(), "the server ended at its start:\n{}", self.log());
    }

    /// Starts the process on the same data and does not wait for it.
    pub fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let built = env!("CARGO_BIN_EXE_teatree").to_owned();
        let child = Command::new(std::env::var("TEATREE_BIN").unwrap_or(built))
            .arg("serve")
            .args(["--data-dir", &self.dir().display().to_string()])
            .args(["--listen", &self.addr.to_string()])
            .args(&self.args)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Keeps the server's folder after the test, for whoever looks for the reason of a failure.
    pub fn keep_home(&mut self) -> PathBuf {
        self.home.disable_cleanup(true);
        self.home.path().to_owned()
    }

    /// The server's data folder.
    pub fn dir(&self) -> PathBuf {
        self.dir.clone()
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn connect(&self) -> RawClient {
        RawClient::connect(self.addr)
    }

    /// Ends the process at once, as a crash does.
    pub fn kill_9(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends SIGTERM without waiting.
    pub fn signal_term(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the process to end by itself.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            let child = self.child.as_mut().unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                self.child = None;
                return status;
            }
            assert!(Instant::now() < deadline, "still running after {limit:?}:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops the server in order and checks that it says so by exit status 0.
    pub fn stop(&mut self) {
        self.signal_term();
        let status = self.wait(Duration::from_secs(30));
        assert!(status.success(), "SIGTERM ended the server with {status}:\n{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = child.kill();
        let _ = child.wait();
        if thread::panicking() {
            eprintln!("--- log of the server ---\n{}", self.log());
        }
    }
}

/// Tells whether a server is ready: one that opens its stores may accept, and hang up again.
fn answers(addr: SocketAddr) -> bool {
    if TcpStream::connect(addr).is_err() {
        return false;
    }
    let mut client = RawClient::open(addr);
    client
        .try_send_bytes(&startup(PROTOCOL_3_0, &[("user", "postgres"), ("database", "postgres")]));
    loop {
        match client.try_read() {
            Some(message) if message.tag == b'Z' => return true,
            Some(message) if message.tag == b'E' => return false,
            Some(_) => {}
            None => return false,
        }
    }
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn free_addr() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Peak memory of a process, in MiB.
pub fn peak_memory_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Waits until a condition holds, and fails with its name when it does not in time.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "did not happen within 30 s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a future of the tests that use a real driver.
pub fn block_on<F: std::future::Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Connects the `tokio-postgres` driver.
pub async fn driver(addr: SocketAddr) -> tokio_postgres::Client {
    let text = format!("host={} port={} user=postgres dbname=postgres", addr.ip(), addr.port());
    let (client, connection) = tokio_postgres::connect(&text, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
