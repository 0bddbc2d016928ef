//! The four commands of Pulsar's binary protocol that the probe needs, and their frames. Pure.
//!
//! A frame is `[size of the rest: u32][size of the command: u32][BaseCommand, protobuf]`; numbers of commands
//! and fields are those of `PulsarApi.proto`, unchanged since Pulsar 1.x.

use prost::Message;
use snafu::{OptionExt, ResultExt, Snafu, ensure};

/// Numbers of `BaseCommand.Type`.
const CONNECT: i32 = 2;
const CONNECTED: i32 = 3;
const PING: i32 = 18;
const PONG: i32 = 19;
const PARTITIONS: i32 = 21;
const PARTITIONS_RESPONSE: i32 = 22;
/// `CommandPartitionedTopicMetadataResponse.LookupType.Failed`.
const FAILED: i32 = 1;

/// The protocol that we speak: the oldest that has the commands above, so that every Pulsar answers.
const PROTOCOL: i32 = 6;
/// Larger than any answer to our questions; what is not Pulsar announces gigabytes.
const LARGEST_FRAME: u32 = 64 * 1024;
/// Characters of a server's error that are shown.
const LONGEST_MESSAGE: usize = 300;

/// What is wrong with what came back.
#[derive(Debug, Snafu, PartialEq, Eq)]
pub enum WireError {
    /// A frame that cannot be one.
    #[snafu(display("the endpoint does not speak Pulsar's protocol"))]
    Frame,
    /// A command that cannot be read.
    #[snafu(display("the endpoint does not speak Pulsar's protocol"))]
    Command {
        /// Why.
        source: prost::DecodeError,
    },
    /// A command that answers nothing that we asked.
    #[snafu(display("Pulsar sent a command that was not asked for"))]
    Unexpected,
}

/// What a Pulsar says, as far as the probe listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It lets the client in.
    Connected,
    /// It asks whether the client is still there.
    Ping,
    /// A broker has looked the topic up, whether or not it exists.
    Topic,
    /// It says no: the first line of its own words, 300 characters at most.
    Refused(String),
    /// A command that no question of the probe leads to.
    Other,
}

/// `BaseCommand` with the fields that the probe needs.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BaseCommand {
    #[prost(int32, required, tag = "1")]
    pub(super) kind: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) connect: Option<Connect>,
    #[prost(message, optional, tag = "14")]
    pub(super) error: Option<ServerError>,
    #[prost(message, optional, tag = "19")]
    pub(super) pong: Option<Pong>,
    #[prost(message, optional, tag = "21")]
    pub(super) partitions: Option<Partitions>,
    #[prost(message, optional, tag = "22")]
    pub(super) partitions_response: Option<PartitionsResponse>,
}

/// `CommandConnect`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Connect {
    #[prost(string, required, tag = "1")]
    client_version: String,
    #[prost(bytes = "vec", optional, tag = "3")]
    auth_data: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "4")]
    protocol_version: Option<i32>,
    #[prost(string, optional, tag = "5")]
    auth_method_name: Option<String>,
}

/// `CommandError`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ServerError {
    #[prost(string, required, tag = "3")]
    pub(super) message: String,
}

/// `CommandPong`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Pong {}

/// `CommandPartitionedTopicMetadata`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Partitions {
    #[prost(string, required, tag = "1")]
    topic: String,
    #[prost(uint64, required, tag = "2")]
    request_id: u64,
}

/// `CommandPartitionedTopicMetadataResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PartitionsResponse {
    #[prost(int32, optional, tag = "3")]
    pub(super) response: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub(super) message: Option<String>,
}

/// The first thing that a client says; with a token, it logs in.
pub(super) fn connect(token: Option<&str>) -> BaseCommand {
    let connect = Connect {
        client_version: "milvus-operator".into(),
        auth_data: token.map(|token| token.as_bytes().to_vec()),
        protocol_version: Some(PROTOCOL),
        auth_method_name: token.map(|_| "token".to_owned()),
    };
    BaseCommand { kind: CONNECT, connect: Some(connect), ..BaseCommand::default() }
}

/// Asks how many partitions `topic` has; none where there is no such topic.
pub(super) fn partitions_of(topic: String) -> BaseCommand {
    let partitions = Partitions { topic, request_id: 1 };
    BaseCommand { kind: PARTITIONS, partitions: Some(partitions), ..BaseCommand::default() }
}

/// The answer to a ping.
pub(super) fn pong() -> BaseCommand {
    BaseCommand { kind: PONG, pong: Some(Pong {}), ..BaseCommand::default() }
}

/// A whole frame.
pub(super) fn encode(command: &BaseCommand) -> Vec<u8> {
    let body = command.encode_to_vec();
    // Our commands are some dozens of bytes.
    let size = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(body.len() + 8);
    frame.extend((size + 4).to_be_bytes());
    frame.extend(size.to_be_bytes());
    frame.extend(body);
    frame
}

/// The announced size of the rest of a frame, as a length to read.
pub(super) fn checked(size: u32) -> Result<usize, WireError> {
    ensure!((4..=LARGEST_FRAME).contains(&size), FrameSnafu);
    Ok(size as usize)
}

/// What the rest of a frame says: everything after the first size, as it came from the network.
///
/// # Errors
///
/// When the bytes are no frame, or hold no command.
pub fn answer(rest: &[u8]) -> Result<Answer, WireError> {
    let (size, rest) = rest.split_first_chunk::<4>().context(FrameSnafu)?;
    let command = rest.get(..u32::from_be_bytes(*size) as usize).context(FrameSnafu)?;
    let command = BaseCommand::decode(command).context(CommandSnafu)?;
    if let Some(error) = &command.error {
        return Ok(Answer::Refused(first_line(&error.message)));
    }
    Ok(match (command.kind, &command.partitions_response) {
        (_, Some(response)) if response.response == Some(FAILED) => {
            let message = response.message.as_deref().unwrap_or("the broker cannot read its metadata");
            Answer::Refused(first_line(message))
        }
        (CONNECTED, _) => Answer::Connected,
        (PING, _) => Answer::Ping,
        (PARTITIONS_RESPONSE, _) => Answer::Topic,
        _ => Answer::Other,
    })
}

/// The first line of a server's error: the rest is a Java stack trace, different each time.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().trim().chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_frame_is_what_pulsars_own_clients_send() {
        let expected: &[u8] =
            b"\x00\x00\x00\x1b\x00\x00\x00\x17\x08\x02\x12\x13\x0a\x0fmilvus-operator\x20\x06";
        assert_eq!(encode(&connect(None)), expected);
    }

    #[test]
    fn a_token_goes_where_pulsars_own_clients_put_it() {
        let expected: &[u8] =
            b"\x00\x00\x00\x25\x00\x00\x00\x21\x08\x02\x12\x1d\x0a\x0fmilvus-operator\x1a\x01t\x20\x06\x2a\x05token";
        assert_eq!(encode(&connect(Some("t"))), expected);
    }

    #[test]
    fn a_web_server_is_not_taken_for_pulsar() {
        assert_eq!(checked(u32::from_be_bytes(*b"HTTP")), Err(WireError::Frame));
    }

    #[test]
    fn a_frame_that_ends_early_is_an_error() {
        assert_eq!(answer(&[0, 0, 0, 9, 8, 3]), Err(WireError::Frame));
    }

    fn answered(command: &BaseCommand) -> Result<Answer, WireError> {
        answer(&encode(command)[4..])
    }

    #[test]
    fn a_no_counts_whatever_else_the_command_is() {
        let error = ServerError { message: format!("no\n{}", "\tat java".repeat(9)) };
        let command = BaseCommand { kind: CONNECTED, error: Some(error), ..BaseCommand::default() };
        assert_eq!(answered(&command), Ok(Answer::Refused("no".into())));
        let failed = PartitionsResponse { response: Some(FAILED), message: None };
        let command = BaseCommand {
            kind: PARTITIONS_RESPONSE,
            partitions_response: Some(failed),
            ..BaseCommand::default()
        };
        let words = "the broker cannot read its metadata".to_owned();
        assert_eq!(answered(&command), Ok(Answer::Refused(words)));
        let command = BaseCommand { kind: CONNECTED, ..BaseCommand::default() };
        assert_eq!(answered(&command), Ok(Answer::Connected));
    }

    proptest! {
        /// Fuzzing looks for more, and longer (CONTRIBUTING.md).
        #[test]
        fn bytes_of_anybody_are_an_answer_or_an_error(
            kind in 0i32..64,
            bytes in proptest::collection::vec(any::<u8>(), 0..96),
        ) {
            let _ = answer(&bytes);
            let mut command = BaseCommand { kind, ..BaseCommand::default() }.encode_to_vec();
            command.extend(&bytes);
            let size = u32::try_from(command.len()).unwrap();
            let framed = [size.to_be_bytes().as_slice(), &command].concat();
            if let Ok(Answer::Refused(words)) = answer(&framed) {
                prop_assert!(words.chars().count() <= LONGEST_MESSAGE && !words.contains('\n'));
            }
        }
    }
}
