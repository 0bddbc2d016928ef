//! Writes a backup: to a temporary name first, synced, and renamed only by who has compared it with etcd.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use snafu::ResultExt as _;

use super::{BackupError, Header, JsonSnafu, MAGIC, Record, Trailer, WriteSnafu, frame_digest, record_body};
use crate::change::hex;

/// A backup that is being written to `<path>.partial`. Dropped before [`Writer::publish`], it leaves nothing.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
    sum: Sha256,
    records: u64,
    published: bool,
}

impl Writer {
    /// Starts a backup. What an earlier call has left at the temporary name was never verified and is
    /// replaced.
    ///
    /// # Errors
    ///
    /// When the file can't be made or written, or what an earlier call left can't be removed.
    pub fn create(path: &Path, header: &Header) -> Result<Self, BackupError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        if let Err(source) = fs::remove_file(&partial)
            && source.kind() != io::ErrorKind::NotFound
        {
            return Err(source).context(WriteSnafu { path: &partial, what: "remove an earlier attempt" });
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            // Users' password hashes are in the metadata.
            .mode(0o600)
            .open(&partial)
            .context(WriteSnafu { path: &partial, what: "create" })?;
        let file = BufWriter::with_capacity(256 << 10, file);
        let path = path.to_owned();
        let mut writer = Self { path, partial, file, sum: Sha256::new(), records: 0, published: false };
        writer.raw(&MAGIC)?;
        let body = serde_json::to_vec(header).context(JsonSnafu { path: &writer.path })?;
        writer.frame(b'H', &body)?;
        Ok(writer)
    }

    /// Adds a record. Records have to come in key order; the reader refuses anything else.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn record(&mut self, record: &Record) -> Result<(), BackupError> {
        self.records += 1;
        self.frame(b'R', &record_body(record))
    }

    /// Writes the last frame and waits until everything is on the disk. The file keeps its temporary name.
    ///
    /// # Errors
    ///
    /// When the file can't be written, or not be brought to the disk.
    pub fn finish(&mut self) -> Result<(), BackupError> {
        let trailer = Trailer { records: self.records, sha256: hex(&self.sum.clone().finalize()) };
        let body = serde_json::to_vec(&trailer).context(JsonSnafu { path: &self.path })?;
        self.frame(b'E', &body)?;
        self.file.flush().context(WriteSnafu { path: &self.partial, what: "flush" })?;
        self.file.get_ref().sync_all().context(WriteSnafu { path: &self.partial, what: "sync" })
    }

    /// Where the bytes are until the backup is published.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives the file its name, durably. Refuses to replace a file.
    ///
    /// # Errors
    ///
    /// When there is a file of that name, or it can't be given.
    pub fn publish(mut self) -> Result<(), BackupError> {
        let exists = self.path.try_exists().context(WriteSnafu { path: &self.path, what: "look" })?;
        if exists {
            let source = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(source).context(WriteSnafu { path: &self.path, what: "rename" });
        }
        fs::rename(&self.partial, &self.path).context(WriteSnafu { path: &self.path, what: "rename" })?;
        self.published = true;
        sync_folder(&self.path)
    }

    fn frame(&mut self, kind: u8, body: &[u8]) -> Result<(), BackupError> {
        let digest = frame_digest(kind, body);
        if kind != b'E' {
            self.sum.update(digest);
        }
        let length = u32::try_from(body.len())
            .map_err(io::Error::other)
            .context(WriteSnafu { path: &self.partial, what: "write" })?;
        self.raw(&[kind])?;
        self.raw(&length.to_le_bytes())?;
        self.raw(body)?;
        self.raw(&digest)
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.file.write_all(bytes).context(WriteSnafu { path: &self.partial, what: "write" })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.published {
            // Nothing depends on it: the next attempt removes what is left.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// Renames a file to `<path>.<n>`, the first free number from 1 on. Gives the new name.
///
/// # Errors
///
/// When the file can't be renamed.
pub fn move_aside(path: &Path) -> Result<PathBuf, BackupError> {
    for number in 1u32.. {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".{number}"));
        let aside = PathBuf::from(aside);
        if aside.try_exists().context(WriteSnafu { path: &aside, what: "look" })? {
            continue;
        }
        fs::rename(path, &aside).context(WriteSnafu { path, what: "move aside" })?;
        sync_folder(path)?;
        return Ok(aside);
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists)).context(WriteSnafu { path, what: "move aside" })
}

fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .context(WriteSnafu { path, what: "sync the folder" })
}
