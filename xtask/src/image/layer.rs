//! Layers: trees of files as tar, the same bytes for the same files.

use std::{collections::BTreeMap, io};

use tar::{Builder, EntryType, Header};

use super::table::NONROOT;

/// A tree by path without leading slash. Directories that files need are made.
#[derive(Default)]
pub struct Tree(BTreeMap<String, Node>);

enum Node {
    Directory { mode: u32 },
    File { mode: u32, bytes: Vec<u8> },
    Link { target: String },
}

impl Tree {
    /// A directory with its mode.
    pub fn directory(&mut self, path: &str, mode: u32) {
        self.parents(path);
        self.0.insert(path.to_owned(), Node::Directory { mode });
    }

    /// A file with its mode.
    pub fn file(&mut self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) {
        self.parents(path);
        self.0.insert(path.to_owned(), Node::File { mode, bytes: bytes.into() });
    }

    /// A symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.parents(path);
        self.0.insert(path.to_owned(), Node::Link { target: target.to_owned() });
    }

    fn parents(&mut self, path: &str) {
        for (end, _) in path.match_indices('/') {
            self.0.entry(path[..end].to_owned()).or_insert(Node::Directory { mode: 0o755 });
        }
    }

    /// The tar: sorted, everything root's and from 1970, so nothing in it comes from the machine or the day.
    ///
    /// # Errors
    ///
    /// When a path is too long for a tar.
    pub fn into_tar(self) -> io::Result<Vec<u8>> {
        let mut tar = Builder::new(Vec::new());
        for (path, node) in self.0 {
            let mut header = Header::new_ustar();
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            match node {
                Node::Directory { mode } => {
                    header.set_entry_type(EntryType::Directory);
                    header.set_mode(mode);
                    header.set_size(0);
                    tar.append_data(&mut header, format!("{path}/"), io::empty())?;
                }
                Node::File { mode, bytes } => {
                    header.set_entry_type(EntryType::Regular);
                    header.set_mode(mode);
                    header.set_size(bytes.len() as u64);
                    tar.append_data(&mut header, path, bytes.as_slice())?;
                }
                Node::Link { target } => {
                    header.set_entry_type(EntryType::Symlink);
                    header.set_mode(0o777);
                    header.set_size(0);
                    tar.append_link(&mut header, path, target)?;
                }
            }
        }
        tar.into_inner()
    }
}

/// What every image has instead of a distribution: certificates, user names, a place for temporary files.
pub fn base() -> Tree {
    let mut tree = Tree::default();
    tree.file("etc/group", 0o644, format!("root:x:0:\nnonroot:x:{NONROOT}:\n"));
    tree.file(
        "etc/passwd",
        0o644,
        format!("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{NONROOT}:{NONROOT}:nonroot:/:/sbin/nologin\n"),
    );
    tree.file("etc/ssl/certs/ca-certificates.crt", 0o644, certificates());
    tree.directory("tmp", 0o1777);
    tree
}

/// Mozilla's root certificates, of the release of the crate that Cargo.lock pins.
fn certificates() -> String {
    let all = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    let pems: Vec<pem::Pem> = all.iter().map(|der| pem::Pem::new("CERTIFICATE", der.as_ref())).collect();
    pem::encode_many_config(&pems, pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
}
