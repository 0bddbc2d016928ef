//! `merge -s SOURCE -d DESTINATION`: the source's settings over the destination's, in place.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, QueueNameSnafu, UsageSnafu},
    files,
    program::say,
    yaml::{self, Map, Node},
};

/// The setting that says which message queue Milvus uses.
const QUEUE: &str = "messageQueue";

/// The blocks of queues that a Milvus image ships settings of. Milvus before 2.3 chooses its queue by which
/// of them is there, so those that are not used go.
const QUEUES: [&str; 4] = ["kafka", "rocksmq", "natsmq", "pulsar"];

/// The command.
///
/// # Errors
///
/// When the arguments are others, a file can't be read or written, or one is no YAML mapping.
pub fn run(args: &[OsString]) -> Result<(), Error> {
    let (source, destination) = arguments(args)?;
    match merged(&source, &destination)? {
        Some(text) => files::write(&destination, &text),
        None => Ok(()),
    }
}

/// What `destination` is to say: itself with `source` on top. None when either is missing, which is no error:
/// not every Milvus has a `hook.yaml`.
///
/// # Errors
///
/// When a file can't be read, or one is no YAML mapping.
pub fn merged(source: &Path, destination: &Path) -> Result<Option<String>, Error> {
    let (Some(over), Some(base)) = (read(source)?, read(destination)?) else { return Ok(None) };
    texts((source, &over), (destination, &base)).map(Some)
}

/// The same of two texts, each with the name that an error calls it by.
///
/// # Errors
///
/// When one is no YAML mapping, or `messageQueue` is no text.
pub fn texts(source: (&Path, &str), destination: (&Path, &str)) -> Result<String, Error> {
    let over = yaml::parse(source.0, source.1)?;
    let mut map = yaml::parse(destination.0, destination.1)?;
    map.merge(over);
    drop_other_queues(&mut map, source.0)?;
    Ok(yaml::emit(&map))
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    let text = files::read(path)?;
    if text.is_none() {
        say("merge", &format!("{} does not exist, nothing to merge", path.display()));
    }
    Ok(text)
}

fn drop_other_queues(map: &mut Map, source: &Path) -> Result<(), Error> {
    let used = match map.get(QUEUE) {
        None => return Ok(()),
        Some(Node::Scalar(scalar)) if scalar.is_null() => return Ok(()),
        Some(value) => value.text().map(str::to_owned),
    };
    let used = used.ok_or_else(|| QueueNameSnafu { path: source, key: QUEUE }.build())?;
    for queue in QUEUES {
        if queue != used {
            map.remove(queue);
        }
    }
    Ok(())
}

/// Go's flags: one dash or two, the value apart or behind `=`.
fn arguments(args: &[OsString]) -> Result<(PathBuf, PathBuf), Error> {
    let usage = || UsageSnafu { usage: "merge -s SOURCE.yaml -d DESTINATION.yaml" }.build();
    let (mut source, mut destination) = (None, None);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let arg = arg.to_str().ok_or_else(usage)?;
        let flag = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')).ok_or_else(usage)?;
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, PathBuf::from(value)),
            None => (flag, PathBuf::from(rest.next().ok_or_else(usage)?)),
        };
        match name {
            "s" => source = Some(value),
            "d" => destination = Some(value),
            _ => return Err(usage()),
        }
    }
    source.zip(destination).ok_or_else(usage)
}
