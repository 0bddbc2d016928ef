//! The one line of JSON that a call ends with.

use milvus_plan::migration::{Report, TERMINATION_MESSAGE_BYTES};

/// The report as one line of at most [`TERMINATION_MESSAGE_BYTES`] bytes. What does not fit is left out in
/// this order: notes, names of sessions, the end of the message, the path of the backup.
///
/// # Errors
///
/// When the report can't be written as JSON.
pub fn to_line(report: &Report) -> Result<String, serde_json::Error> {
    let mut report = report.clone();
    loop {
        let line = serde_json::to_string(&report)?;
        if line.len() <= TERMINATION_MESSAGE_BYTES || !shorten(&mut report) {
            return Ok(line);
        }
    }
}

/// Drops one thing; false when nothing is left that may go.
fn shorten(report: &mut Report) -> bool {
    if report.notes.pop().is_some() {
        return true;
    }
    if let Some(census) = report.census.as_mut().filter(|census| !census.sessions.is_empty()) {
        census.sessions.truncate(census.sessions.len() / 2);
        return true;
    }
    let characters = report.message.chars().count();
    if characters > 40 {
        report.message = report.message.chars().take(characters * 3 / 4).collect();
        return true;
    }
    if let Some(backup) = report.backup.as_mut().filter(|backup| !backup.path.is_empty()) {
        backup.path.clear();
        return true;
    }
    !std::mem::take(&mut report.meta_root).is_empty()
}

#[cfg(test)]
mod tests {
    use milvus_plan::migration::{CONTRACT, Census, Outcome, Verb};

    use super::*;

    #[test]
    fn fits_into_a_termination_message_whatever_is_in_it() {
        let census = Census { sessions: vec!["querynode-12".into(); 1000], ..Census::default() };
        let report = Report {
            contract: CONTRACT,
            tool: "0.1.0".into(),
            verb: Verb::Run,
            outcome: Outcome::Damaged,
            message: "\u{e4}\"".repeat(9000),
            meta_root: "by-dev/meta".into(),
            schema: None,
            stage: None,
            revision: None,
            backup: None,
            changes: None,
            census: Some(census),
            written: 0,
            notes: vec!["a note".repeat(300); 20],
        };
        let line = to_line(&report).unwrap();
        assert!(line.len() <= TERMINATION_MESSAGE_BYTES, "{}", line.len());
        let back: Report = serde_json::from_str(&line).unwrap();
        assert_eq!((back.outcome, back.meta_root), (report.outcome, report.meta_root));
        assert!(!back.message.is_empty());
    }
}
