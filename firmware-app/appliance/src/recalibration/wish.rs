//! What is asked for, on `cmd/recalibrate`, by the button, or by the appliance itself.

use serde_json::Value;

use super::verdict::Verdict;

/// A request's id comes back in the answer, which must not outgrow a packet.
const ID_BYTES_MAX: usize = 128;

/// What can be calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Where the table is.
    Table,
    /// How the projector lights it.
    Projector,
    /// Nothing is measured: back to the calibration of the installation.
    Installation,
}

impl What {
    const ALL: [Self; 3] = [Self::Table, Self::Projector, Self::Installation];

    /// As in requests and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Projector => "projector",
            Self::Installation => "installation",
        }
    }
}

/// A request for recalibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The request's own id.
    pub id: Option<Value>,
    /// What to calibrate.
    pub what: What,
}

impl Wish {
    /// One of the appliance itself or its button.
    pub const fn of(what: What) -> Self {
        Self { id: None, what }
    }

    /// Reads the payload of `cmd/recalibrate`: JSON with an id and what to calibrate.
    pub fn parse(payload: &[u8]) -> Result<Self, Verdict> {
        let value: Value = serde_json::from_slice(payload).unwrap_or_default();
        let given = value.get("id");
        let id = given.filter(|id| id.to_string().len() <= ID_BYTES_MAX).cloned();
        if given.is_some() && id.is_none() {
            return Err(not_understood(None, "the id is longer than 128 bytes"));
        }
        let name = value.get("what").and_then(Value::as_str).unwrap_or_default();
        match What::ALL.into_iter().find(|what| what.name() == name) {
            Some(what) => Ok(Self { id, what }),
            None => {
                let reason = r#"write {"id": …, "what": "table"}; or "projector", or "installation""#;
                Err(not_understood(id, reason))
            }
        }
    }
}

fn not_understood(id: Option<Value>, reason: &str) -> Verdict {
    Verdict {
        id,
        what: String::new(),
        accepted: false,
        reason: reason.into(),
        residual_mm: None,
        calibration_id: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_makes_no_sense_is_refused_with_what_to_write() {
        for payload in [&b""[..], b"{}", b"\xff\x00", b"[1]", br#"{"what": 5}"#] {
            let verdict = Wish::parse(payload).expect_err("it makes no sense");
            assert!(
                !verdict.accepted && verdict.reason.contains("table"),
                "{verdict:?}"
            );
        }
    }

    #[test]
    fn what_a_request_says_too_much_does_not_come_back() {
        let long = "x".repeat(100_000);
        for payload in [
            format!(r#"{{"id": "{long}", "what": "table"}}"#),
            format!(r#"{{"id": 1, "what": "{long}"}}"#),
        ] {
            let verdict = Wish::parse(payload.as_bytes()).expect_err("too long");
            let answer = serde_json::to_string(&verdict).expect("it is plain");
            assert!(answer.len() < 500, "{} bytes", answer.len());
        }
    }

    #[test]
    fn a_request_keeps_its_id_in_the_answer() {
        let verdict = Wish::parse(br#"{"id": "a7", "what": "lamp"}"#).expect_err("nothing to calibrate");
        assert_eq!(verdict.id, Some(serde_json::json!("a7")));
        for (name, what) in [
            ("table", What::Table),
            ("projector", What::Projector),
            ("installation", What::Installation),
        ] {
            let wish = Wish::parse(format!(r#"{{"id": 3, "what": "{name}"}}"#).as_bytes()).expect("valid");
            assert_eq!((wish.id, wish.what), (Some(serde_json::json!(3)), what));
        }
    }
}
