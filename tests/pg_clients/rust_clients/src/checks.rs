//! Runs checks one by one and names each that fails, so that one failure hides no other.

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::timeout;

/// Why a check failed, and where: the line of the `?`, or of the call of `equal`.
pub struct Failure {
    pub text: String,
    pub at: &'static Location<'static>,
}

pub type Outcome<T = ()> = Result<T, Failure>;
pub type Run = fn() -> Pin<Box<dyn Future<Output = Outcome>>>;

pub struct Check {
    pub name: &'static str,
    pub run: Run,
}

/// The checks by these names, as a list.
#[macro_export]
macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        vec![$($crate::checks::Check { name: stringify!($name), run: || Box::pin($name()) }),*]
    };
}

impl<E: std::error::Error> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        fail(whole(&error))
    }
}

#[track_caller]
pub fn fail(text: impl Into<String>) -> Failure {
    Failure { text: text.into(), at: Location::caller() }
}

/// An error's text with those of its sources, each of them once.
pub fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        if !text.contains(&inner.to_string()) {
            text = format!("{text}: {inner}");
        }
        source = inner.source();
    }
    text
}

#[track_caller]
pub fn equal<A: Debug + PartialEq<B>, B: Debug>(found: A, wanted: B) -> Outcome {
    if found == wanted { Ok(()) } else { Err(fail(format!("{found:?}, want {wanted:?}"))) }
}

#[track_caller]
pub fn holds(what: &str, is_so: bool) -> Outcome {
    if is_so { Ok(()) } else { Err(fail(format!("not so: {what}"))) }
}

/// As `equal`, of one type, which what is wanted gives.
#[track_caller]
pub fn same<T: Debug + PartialEq>(found: T, wanted: T) -> Outcome {
    equal(found, wanted)
}

/// What values were as text where it was not as wanted: told by a check of its own at the end.
static TEXTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub fn text_of(driver: &str, what: &str, found: &str, wanted: &str) {
    if found != wanted
        && let Ok(mut texts) = TEXTS.lock()
    {
        texts.push(format!("{driver} {what}: {found:?}, want {wanted:?}"));
    }
}

#[track_caller]
pub fn texts(driver: &str) -> Outcome {
    let all = TEXTS.lock().map(|texts| texts.clone()).unwrap_or_default();
    let own: Vec<_> = all.into_iter().filter(|text| text.starts_with(driver)).collect();
    if own.is_empty() { Ok(()) } else { Err(fail(own.join(" | "))) }
}

/// What is wrong in a check of many parts: each part is tried, and all that fail are told.
#[derive(Default)]
pub struct Faults(Vec<String>);

impl Faults {
    pub fn part(&mut self, name: &str, outcome: Outcome) {
        if let Err(failure) = outcome {
            self.0.push(format!("{name}: {}", failure.text));
        }
    }

    #[track_caller]
    pub fn end(self) -> Outcome {
        if self.0.is_empty() { Ok(()) } else { Err(fail(self.0.join(" | "))) }
    }
}

/// One check in a task of its own, so that neither a panic nor a wait without end stops the rest.
async fn attempt(run: Run) -> Outcome {
    let task =
        tokio::task::spawn_local(async move { timeout(Duration::from_secs(30), run()).await });
    match task.await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(fail("no end within 30 s")),
        Err(panic) => Err(fail(panic.to_string())),
    }
}

/// Runs the checks in order and gives how many failed. Those named in `later` are of something that
/// Teatree does not have yet: they are named, and do not count.
pub async fn run_all(checks: Vec<Check>, later: &[&str], only: &[String]) -> usize {
    let mut failed = 0;
    let local = LocalSet::new();
    for check in checks {
        let name = check.name;
        if !only.is_empty() && !only.iter().any(|one| name.contains(one.as_str())) {
            continue;
        }
        let outcome = local.run_until(attempt(check.run)).await;
        match (outcome, later.contains(&name)) {
            (Ok(()), false) => println!("ok {name}"),
            (Ok(()), true) => println!("ok {name} (no longer to be named in `later`)"),
            (Err(failure), is_later) => {
                failed += usize::from(!is_later);
                let word = if is_later { "not yet" } else { "FAILED" };
                println!("{word} {name} (line {}): {}", failure.at.line(), failure.text);
            }
        }
    }
    failed
}
