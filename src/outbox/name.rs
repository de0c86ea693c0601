//! What stands for the run in a file's name.

use chrono::DateTime;

use crate::clock;
use crate::error::{Error, Result};
use crate::ids::IntentSeq;

/// One run of a statement that leaves a file.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    at_us: i64,
    id: u64,
    intent: Option<IntentSeq>,
}

impl Run {
    /// A run that begins now, for an intent or none.
    pub fn now(intent: Option<IntentSeq>) -> Run {
        Run { at_us: clock::now_us(), id: rand::random(), intent }
    }

    /// Puts the run's own into a file's name: `{run}` is different for each run, `{time}` its time
    /// in UTC, as `20240229T235959.123456Z`, `{intent}` its place in the log.
    ///
    /// # Errors
    /// 0A000 for `{intent}` where there is none.
    pub fn name(&self, written: &str) -> Result<String> {
        let mut name = written.to_owned();
        if name.contains("{intent}") {
            let Some(intent) = self.intent else {
                return Err(Error::unsupported(
                    "{intent} in a file's name is supported only in a procedure",
                )
                .with_hint("Use {run} or {time}."));
            };
            name = name.replace("{intent}", &intent.0.to_string());
        }
        let time = DateTime::from_timestamp_micros(self.at_us)
            .map(|time| time.format("%Y%m%dT%H%M%S%.6fZ").to_string());
        Ok(name
            .replace("{time}", &time.unwrap_or_default())
            .replace("{run}", &format!("{:016x}", self.id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_its_own_name() {
        let run = Run { at_us: 1_709_251_199_123_456, id: 0xab, intent: Some(IntentSeq(7)) };
        let name = run.name("a/{time}-{run}-{intent}.csv").unwrap();
        assert_eq!(name, "a/20240229T235959.123456Z-00000000000000ab-7.csv");
        assert_eq!(run.name("plain {x}.csv").unwrap(), "plain {x}.csv");
        assert!(Run { intent: None, ..run }.name("{intent}").is_err());
    }
}
