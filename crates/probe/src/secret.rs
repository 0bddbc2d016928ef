//! A string that must not be printed.

use std::fmt;

/// A password, key or token. `Debug` shows stars; there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The credential itself, for the client that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Replaces every occurrence of this credential in `text`: servers and libraries sometimes repeat what
    /// they were sent.
    pub(crate) fn scrub(&self, text: String) -> String {
        if self.0.is_empty() || !text.contains(&self.0) { text } else { text.replace(&self.0, "***") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_repeats_a_password_does_not_make_us_repeat_it() {
        let secret = Secret::new("canary");
        assert_eq!(secret.scrub("bad login canary (canary)".into()), "bad login *** (***)");
        assert_eq!(format!("{secret:?}"), "***");
    }

    #[test]
    fn an_empty_password_leaves_a_message_as_it_is() {
        assert_eq!(Secret::default().scrub("refused".into()), "refused");
    }
}
