//! `baize doctor`: what this machine has of what the configuration asks for.

use serde_json::json;

use super::args::DoctorArgs;
use crate::doctor::{self, Finding, Verdict};
use crate::failure::Failure;
use crate::sources;

/// Looks at everything; fails where something is missing.
pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let config = sources::config(&args.config)?;
    let mut findings = Vec::new();
    doctor::examine(&config, &mut |finding| {
        if !args.json {
            tell(&finding);
        }
        findings.push(finding);
    });
    let missing: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Missing)
        .map(|finding| finding.subject)
        .collect();
    if args.json {
        let findings: Vec<_> = findings.iter().map(Finding::to_json).collect();
        println!(
            "{}",
            json!({"can_serve": missing.is_empty(), "findings": findings})
        );
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "this machine cannot serve as configured, for lack of: {}",
        missing.join(", ")
    )))
}

fn tell(finding: &Finding) {
    let mark = match finding.verdict {
        Verdict::Good => "ok",
        Verdict::DoesWithout => "--",
        Verdict::Missing => "NO",
    };
    println!("{mark}  {:<12} {}", finding.subject, finding.found);
    if let Some(advice) = &finding.advice {
        println!("{:<17}{advice}", "");
    }
}
