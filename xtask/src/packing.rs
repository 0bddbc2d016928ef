//! Compressed archives that are the same bytes for the same files: nothing in them is of this machine or this
//! moment.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

/// Writes a `.tar.gz` with these files: path within it, mode and content of each.
///
/// # Errors
///
/// When the file can't be written, or a path is too long for a tar.
pub(crate) fn tar_gz(to: &Path, files: BTreeMap<PathBuf, (u32, Vec<u8>)>) -> io::Result<()> {
    let mut builder = tar::Builder::new(GzEncoder::new(File::create(to)?, Compression::best()));
    for (path, (mode, bytes)) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).unwrap_or_default());
        header.set_mode(mode);
        builder.append_data(&mut header, path, bytes.as_slice())?;
    }
    builder.into_inner()?.finish()?.sync_all()
}
