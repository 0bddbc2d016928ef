//! What a machine must have for a node that runs containers, and how to say at once all that it has not.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

/// Where Debian puts the plugins that connect pods.
pub(super) const CNI_PLUGINS: &str = "/usr/lib/cni";

/// Programs and the Debian packages that have them.
const PROGRAMS: [(&str, &str); 7] = [
    ("containerd", "containerd"),
    ("containerd-shim-runc-v2", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("iptables-save", "iptables"),
    ("ip", "iproute2"),
];

/// Something that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What, in the words of a list.
    pub what: String,
    /// The Debian package that has it.
    pub package: Option<&'static str>,
}

impl Need {
    /// A program of the PATH that is not there.
    pub fn program(name: &str, package: &'static str) -> Option<Self> {
        find(name).is_none().then(|| Self { what: name.to_owned(), package: Some(package) })
    }
}

/// All that this machine lacks.
pub fn missing() -> Vec<Need> {
    let root = (!geteuid().is_root()).then(|| Need { what: "root".to_owned(), package: None });
    let programs = PROGRAMS.iter().filter_map(|(name, package)| Need::program(name, package));
    let plugins = ["ptp", "host-local", "loopback"].into_iter().filter_map(|plugin| {
        let path = Path::new(CNI_PLUGINS).join(plugin);
        let package = Some("containernetworking-plugins");
        (!path.is_file()).then(|| Need { what: path.display().to_string(), package })
    });
    root.into_iter().chain(programs).chain(plugins).collect()
}

/// Where a program is: on the PATH, or where a PATH without root does not look.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut directories = std::env::split_paths(&path).chain(system);
    directories.find_map(|directory| Some(directory.join(program)).filter(|found| found.is_file()))
}

/// One message: all that is missing for `purpose`, and how to get it.
pub fn explain(purpose: &str, missing: &[Need]) -> String {
    let whats: Vec<&str> = missing.iter().map(|need| need.what.as_str()).collect();
    let mut text = format!("{purpose} needs, and this machine lacks: {}.", whats.join(", "));
    let mut packages: Vec<&str> = missing.iter().filter_map(|need| need.package).collect();
    packages.sort_unstable();
    packages.dedup();
    if !packages.is_empty() {
        let _ = write!(text, " On Debian: `apt-get install --no-install-recommends {}`.", packages.join(" "));
    }
    if missing.iter().any(|need| need.what == "root") {
        text.push_str(" Run it as root.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_names_everything_and_each_package_once() {
        let need = |what: &str, package| Need { what: what.to_owned(), package };
        let missing =
            [need("root", None), need("ctr", Some("containerd")), need("containerd", Some("containerd"))];
        assert_eq!(
            explain("a node", &missing),
            "a node needs, and this machine lacks: root, ctr, containerd. On Debian: \
             `apt-get install --no-install-recommends containerd`. Run it as root."
        );
    }
}
