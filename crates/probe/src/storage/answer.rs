//! Reads what a storage says when it does not list a bucket; S3 and Azure have the same form of errors.
//!
//! A body names the request by an id that differs each time, which must not reach a condition. Only its
//! `Code`, `Message` and `Region` are taken, and of the message the first line.

/// What the storage said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The bucket's listing.
    Listed,
    /// There is no such bucket.
    NoBucket,
    /// The keys are wrong or may not do this.
    Refused(String),
    /// The storage understood the question and says no for another reason than the keys.
    Declined(String),
    /// The request is too old or of the future.
    ClocksDiffer(String),
    /// Requests must be signed for another region, and sometimes for which.
    OtherRegion(Option<String>),
    /// Any other answer.
    Failed(String),
    /// No answer.
    Unreachable(String),
}

/// Sorts an answer that is no listing by its status and its body.
pub(super) fn from_body(status: u16, body: &str) -> Answer {
    let code = element(body, "Code");
    let message = element(body, "Message").and_then(|text| text.lines().next());
    let words = match (code, message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => format!("HTTP status {status}"),
    };
    match (status, code) {
        (301 | 307, None) => Answer::OtherRegion(None),
        (_, Some("NoSuchBucket" | "ContainerNotFound")) => Answer::NoBucket,
        (_, Some("RequestTimeTooSkewed")) => Answer::ClocksDiffer(words),
        (_, Some("AuthorizationHeaderMalformed" | "PermanentRedirect" | "TemporaryRedirect")) => {
            match element(body, "Region") {
                Some(region) => Answer::OtherRegion(Some(region.to_owned())),
                None if status < 400 => Answer::OtherRegion(None),
                None => Answer::Failed(words),
            }
        }
        (401 | 403, _) => Answer::Refused(words),
        (400..500, Some(_)) => Answer::Declined(words),
        _ => Answer::Failed(words),
    }
}

/// The text of the first `<name>` in an XML error body.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let after = body.split_once(&format!("<{name}>"))?.1;
    let text = after.split_once(&format!("</{name}>"))?.0.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: &str, rest: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>text</Message>{rest}<RequestId>17A1</RequestId></Error>"
        )
    }

    #[test]
    fn what_differs_between_two_answers_is_left_out() {
        let first = from_body(403, &body("AccessDenied", "<HostId>a</HostId>"));
        let second = from_body(403, &body("AccessDenied", "<HostId>b</HostId>"));
        assert_eq!(first, Answer::Refused("AccessDenied: text".into()));
        assert_eq!(first, second);
    }

    #[test]
    fn the_region_that_the_storage_names_is_taken() {
        let answer = from_body(400, &body("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"));
        assert_eq!(answer, Answer::OtherRegion(Some("eu-west-1".into())));
    }

    #[test]
    fn an_answer_that_is_not_s3_is_named_by_its_status() {
        assert_eq!(
            from_body(404, "<html>not found</html>"),
            Answer::Failed("HTTP status 404".into()),
            "a web server's 404 is no missing bucket"
        );
    }
}
