//! The annotation `milvus.io/hold-before`: where the user wants a roll to stand still.

use std::fmt;
use std::str::FromStr;

use snafu::{ResultExt, Snafu};

use crate::component::Component;

/// The annotation on the `Milvus` by which the user holds a step.
pub const ANNOTATION: &str = "milvus.io/hold-before";

/// Where a roll stands still: before a component, or after some of its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldBefore {
    /// The component.
    pub component: Component,
    /// How many of its pods move before that; 0 is before its step begins.
    pub pods: u32,
}

/// Why a text does not say where to hold.
#[derive(Debug, Snafu)]
pub enum HoldBeforeError {
    /// There is no such component.
    #[snafu(display(
        "{text:?} names no component; write the name of one, for example \"querynode\", or \"querynode/2\" to hold \
         after two of its pods"
    ))]
    Component {
        /// What was given.
        text: String,
        /// What the list of components objects to.
        source: strum::ParseError,
    },
    /// What follows the `/` is no number.
    #[snafu(display(
        "{text:?} does not say after how many pods to hold; write a number after the `/`, for example \"querynode/2\", \
         or the component alone to hold before it"
    ))]
    Pods {
        /// What was given.
        text: String,
        /// What is wrong with the number.
        source: std::num::ParseIntError,
    },
}

impl FromStr for HoldBefore {
    type Err = HoldBeforeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (component, pods) = text.split_once('/').unwrap_or((text, "0"));
        let component = component.trim().parse().context(ComponentSnafu { text })?;
        let pods = pods.trim().parse().context(PodsSnafu { text })?;
        Ok(Self { component, pods })
    }
}

/// As it is written in the annotation.
impl fmt::Display for HoldBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pods {
            0 => self.component.fmt(f),
            pods => write!(f, "{}/{pods}", self.component),
        }
    }
}
