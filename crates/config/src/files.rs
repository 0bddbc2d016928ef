//! Reading and writing of files so that a container can start again at any moment and find everything whole.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use snafu::ResultExt as _;

use crate::error::{CopySnafu, Error, LinkSnafu, ReadSnafu, WriteSnafu};

/// The text of a file; none when there is no such file. Everything else that goes wrong is an error, never an
/// empty text.
///
/// # Errors
///
/// When the file is there and can't be read, or is no UTF-8.
pub fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(source).context(ReadSnafu { path }),
    }
}

/// Replaces the text of a file at once. Where the directory takes no new file (a file that is mounted by
/// itself, a directory of root's with a file of ours), the file is written in place.
///
/// # Errors
///
/// When the file can be written neither beside itself nor in place.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    let new = beside(path);
    let at_once =
        fs::write(&new, text).and_then(|()| keep_mode(path, &new)).and_then(|()| fs::rename(&new, path));
    if at_once.is_ok() {
        return Ok(());
    }
    // Often it was never made.
    let _ = fs::remove_file(&new);
    fs::write(path, text).context(WriteSnafu { path })
}

fn keep_mode(of: &Path, to: &Path) -> io::Result<()> {
    match fs::metadata(of) {
        Ok(existing) => fs::set_permissions(to, existing.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes `path` a symbolic link to `target`, whatever `path` was. A link that is right already is left alone:
/// so a second start succeeds also where nothing can be written.
///
/// # Errors
///
/// When the link can't be made in its directory.
pub fn link(target: &Path, path: &Path) -> Result<(), Error> {
    if fs::read_link(path).is_ok_and(|existing| existing == target) {
        return Ok(());
    }
    let new = beside(path);
    // What a start that was cut off may have left.
    let _ = fs::remove_file(&new);
    symlink(target, &new).and_then(|()| fs::rename(&new, path)).context(LinkSnafu { path, target })
}

/// Copies a file with its mode. The copy appears under its name at once, so one that is being executed can be
/// replaced.
///
/// # Errors
///
/// When the file can't be read, or the copy can't be written.
pub fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let new = beside(to);
    fs::copy(from, &new).and_then(|_| fs::rename(&new, to)).context(CopySnafu { from, to })
}

/// A name in the same directory that only a cut-off write leaves behind.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".new-");
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}
