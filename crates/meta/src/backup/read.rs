//! Reads a backup, ours or that of the official tool, and believes nothing before its checksum fits.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use snafu::ResultExt as _;

use super::{
    BackupError, CutSnafu, DamagedSnafu, Header, LONGEST_FRAME, MAGIC, NotABackupSnafu, OpenSnafu, ReadSnafu,
    Record, Trailer, fill, frame_digest, official, record_from,
};
use crate::change::hex;

/// The records of a backup, in key order. After an error nothing follows.
#[derive(Debug)]
pub struct Reader<R = BufReader<File>> {
    /// What the backup is of.
    pub header: Header,
    path: PathBuf,
    source: Source<R>,
}

#[derive(Debug)]
enum Source<R> {
    Ours(Frames<R>),
    Official(std::vec::IntoIter<Record>),
}

/// A whole backup that was read and whose checksums fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it is of.
    pub header: Header,
    /// Number of records.
    pub records: u64,
    /// SHA-256 (hex) over all of its records.
    pub sha256: String,
}

/// Opens a backup and reads its header.
///
/// # Errors
///
/// When the file can't be opened, or its beginning is not that of a backup.
pub fn open(path: &Path) -> Result<Reader, BackupError> {
    let file = File::open(path).context(OpenSnafu { path })?;
    from(path, BufReader::with_capacity(256 << 10, file))
}

/// Reads a backup from wherever its bytes come, a pipe or memory; `path` is what errors call it. A source
/// that gives few bytes at a time should be buffered.
///
/// # Errors
///
/// When the beginning can't be read, or is not that of a backup.
pub fn from<R: Read>(path: &Path, mut file: R) -> Result<Reader<R>, BackupError> {
    let mut magic = [0; 8];
    let got = fill(&mut file, &mut magic).context(ReadSnafu { path })?;
    if got < magic.len() {
        return CutSnafu { path, record: 0u64 }.fail();
    }
    if magic[..6] != MAGIC[..6] {
        let (header, records) = official::read(path, magic, &mut file)?;
        let source = Source::Official(records.into_iter());
        return Ok(Reader { header, path: path.to_owned(), source });
    }
    if magic != MAGIC {
        let what = format!("format version {} is newer than this program", magic[7]);
        return NotABackupSnafu { path, what }.fail();
    }
    let mut frames = Frames {
        path: path.to_owned(),
        file,
        sum: Sha256::new(),
        records: 0,
        last: Vec::new(),
        ended: false,
    };
    let Some((b'H', body)) = frames.frame()? else {
        return DamagedSnafu { path, record: 0u64, what: "there is no header" }.fail();
    };
    let Ok(header) = serde_json::from_slice(&body) else {
        return DamagedSnafu { path, record: 0u64, what: "the header makes no sense" }.fail();
    };
    Ok(Reader { header, path: path.to_owned(), source: Source::Ours(frames) })
}

/// Reads a backup to its end.
///
/// # Errors
///
/// When it can't be opened or read, is no backup, or is cut or damaged anywhere.
pub fn verify(path: &Path) -> Result<Summary, BackupError> {
    open(path)?.summary()
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Record, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.source {
            Source::Ours(frames) => frames.record().transpose(),
            Source::Official(records) => records.next().map(Ok),
        }
    }
}

impl<R> Reader<R> {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl<R: Read> Reader<R> {
    /// Reads what is left, to the end.
    ///
    /// # Errors
    ///
    /// When it can't be read, or is cut or damaged anywhere.
    pub fn summary(mut self) -> Result<Summary, BackupError> {
        let mut records = 0;
        let mut plain = Sha256::new();
        while let Some(record) = self.next().transpose()? {
            records += 1;
            plain.update(frame_digest(b'R', &super::record_body(&record)));
        }
        let sha256 = match &self.source {
            Source::Ours(frames) => hex(&frames.sum.clone().finalize()),
            Source::Official(_) => hex(&plain.finalize()),
        };
        Ok(Summary { header: self.header, records, sha256 })
    }
}

#[derive(Debug)]
struct Frames<R> {
    path: PathBuf,
    file: R,
    sum: Sha256,
    records: u64,
    last: Vec<u8>,
    ended: bool,
}

impl<R: Read> Frames<R> {
    fn record(&mut self) -> Result<Option<Record>, BackupError> {
        if self.ended {
            return Ok(None);
        }
        // Whatever goes wrong below, nothing after it is believed.
        self.ended = true;
        match self.frame()? {
            Some((b'R', body)) => {
                let Some(record) = record_from(&body) else { return self.damaged("a record makes no sense") };
                if self.records > 0 && record.key <= self.last {
                    return self.damaged("the records are not in order");
                }
                self.last.clone_from(&record.key);
                self.records += 1;
                self.ended = false;
                Ok(Some(record))
            }
            Some((b'E', body)) => self.end(&body),
            Some(_) => self.damaged("a frame of an unknown kind"),
            None => CutSnafu { path: &self.path, record: self.records }.fail(),
        }
    }

    fn end(&mut self, body: &[u8]) -> Result<Option<Record>, BackupError> {
        let Ok(trailer) = serde_json::from_slice::<Trailer>(body) else {
            return self.damaged("the last frame makes no sense");
        };
        if trailer.records != self.records {
            return self.damaged("the number of records is not the one that was written");
        }
        if trailer.sha256 != hex(&self.sum.clone().finalize()) {
            return self.damaged("the checksum over all records does not fit");
        }
        if fill(&mut self.file, &mut [0]).context(ReadSnafu { path: &self.path })? != 0 {
            return self.damaged("there is something behind the end");
        }
        Ok(None)
    }

    /// The next frame; `None` at the end of the file.
    fn frame(&mut self) -> Result<Option<(u8, Vec<u8>)>, BackupError> {
        let mut head = [0; 5];
        if fill(&mut self.file, &mut head[..1]).context(ReadSnafu { path: &self.path })? == 0 {
            return Ok(None);
        }
        self.exact(&mut head[1..])?;
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        if length > LONGEST_FRAME {
            return self.damaged("a length makes no sense");
        }
        // Reads what is there instead of trusting the length with memory.
        let mut body = Vec::new();
        let wanted = u64::from(length);
        (&mut self.file).take(wanted).read_to_end(&mut body).context(ReadSnafu { path: &self.path })?;
        if body.len() as u64 != wanted {
            return CutSnafu { path: &self.path, record: self.records }.fail();
        }
        let mut digest = [0; 32];
        self.exact(&mut digest)?;
        if digest != frame_digest(head[0], &body) {
            return self.damaged("a checksum does not fit");
        }
        if head[0] != b'E' {
            self.sum.update(digest);
        }
        Ok(Some((head[0], body)))
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        let wanted = bytes.len();
        let got = fill(&mut self.file, bytes).context(ReadSnafu { path: &self.path })?;
        if got < wanted {
            return CutSnafu { path: &self.path, record: self.records }.fail();
        }
        Ok(())
    }

    fn damaged<T>(&self, what: &str) -> Result<T, BackupError> {
        DamagedSnafu { path: &self.path, record: self.records, what }.fail()
    }
}
