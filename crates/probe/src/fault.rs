//! Turns the error of a client library into a few words that are the same each time the same thing goes
//! wrong.
//!
//! Libraries put durations, peer addresses (one of several behind a name) and attempt counts into their
//! texts; a condition must not change with those. So the cause that says most is looked for, and named by us.

use std::error::Error;
use std::io;
use std::time::Duration;

/// Layers of an error that are looked at before giving up: real chains have fewer than ten.
const DEEPEST: usize = 32;

/// What no answer within [`crate::DEADLINE`] is called.
pub(crate) fn no_answer() -> String {
    no_answer_within(crate::DEADLINE)
}

/// The same for a shorter time.
pub(crate) fn no_answer_within(time: Duration) -> String {
    format!("no answer within {} s", time.as_secs())
}

/// The most telling cause in the chain of `error`.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    for _ in 0..DEEPEST {
        if let Some(tls) = last.downcast_ref::<rustls::Error>() {
            return format!("TLS: {}", describe_tls(tls));
        }
        let next = match last.downcast_ref::<io::Error>() {
            // `source()` of an io::Error skips the error that it wraps.
            Some(io) => match io.get_ref() {
                Some(inner) if says_more(inner) => inner as &(dyn Error + 'static),
                _ => return describe_io(io),
            },
            None => match last.source() {
                Some(source) => source,
                None => break,
            },
        };
        last = next;
    }
    last.to_string()
}

/// Whether what an IO error wraps is looked into; a mere text is not.
fn says_more(inner: &(dyn Error + Send + Sync + 'static)) -> bool {
    inner.is::<io::Error>() || inner.is::<rustls::Error>() || inner.source().is_some()
}

/// An IO error by its kind; the text of the operating system only where the kind says nothing.
pub(crate) fn describe_io(error: &io::Error) -> String {
    use io::ErrorKind as K;
    match error.kind() {
        K::ConnectionRefused => "connection refused".into(),
        K::TimedOut => "connection timed out".into(),
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => "connection reset".into(),
        K::UnexpectedEof => "connection closed by the server".into(),
        K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown => "no route to host".into(),
        _ => {
            let text = error.to_string();
            // glibc and musl differ, and both tell "try again" and "unknown" apart by luck of the resolver.
            if text.contains("lookup address information") {
                "the name cannot be resolved".into()
            } else {
                text
            }
        }
    }
}

/// A TLS error without the moment of the check, which rustls adds for certificates out of date.
fn describe_tls(error: &rustls::Error) -> String {
    use rustls::CertificateError as C;
    match error {
        rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
            "the server's certificate has expired".into()
        }
        rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            "the server's certificate is not valid yet, or the clock of the operator's node is behind".into()
        }
        rustls::Error::InvalidCertificate(C::UnknownIssuer) => {
            "the server's certificate is not signed by a CA that is trusted".into()
        }
        rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            "the server's certificate is for another name".into()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_io_error_is_named_by_its_kind_however_deep_it_sits() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let wrapped = io::Error::other(io::Error::other(refused));
        assert_eq!(describe(&wrapped), "connection refused");
        let reset = io::Error::new(io::ErrorKind::BrokenPipe, "os text");
        assert_eq!(describe(&io::Error::other(reset)), "connection reset");
    }

    #[test]
    fn a_tls_fault_below_two_io_errors_is_found() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert_eq!(describe(&wrapped), "TLS: the server's certificate is not signed by a CA that is trusted");
    }

    #[test]
    fn a_certificate_that_expired_reads_the_same_at_any_time() {
        let at = |secs| {
            let time = rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs));
            let context = rustls::CertificateError::ExpiredContext { time, not_after: time };
            describe(&io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(context)))
        };
        assert_eq!(at(1_000), at(2_000));
        assert_eq!(at(1_000), "TLS: the server's certificate has expired");
    }
}
