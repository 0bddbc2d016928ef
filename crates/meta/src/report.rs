//! The one line of JSON that a call ends with.

use milvus_plan::migration::{Report, TERMINATION_MESSAGE_BYTES};

/// The report as one line of at most [`TERMINATION_MESSAGE_BYTES`] bytes. What does not fit is left out in this
/// order: notes, names of sessions, the end of the message, the path of the backup.
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
    if report.census.as_mut().is_some_and(|census| census.sessions.pop().is_some()) {
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
