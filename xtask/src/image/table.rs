//! What is in which image. An image is a row.

use clap::ValueEnum;

/// User and group of an image whose pod does not say another.
pub const NONROOT: u32 = 65532;

/// Root, said in full.
const ROOT: &str = "0:0";

/// The images that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// The operator, with the config tool: its image is also the default tool image
    Operator,
    /// The config tool alone
    Config,
    /// The migration of metadata from 2.1 to 2.2
    MetaMigration,
    /// Every image
    All,
}

impl Which {
    /// The rows that it names.
    pub fn images(self) -> Vec<&'static Image> {
        IMAGES
            .iter()
            .filter(|(which, _)| self == Self::All || self == *which)
            .map(|(_, image)| image)
            .collect()
    }
}

/// One image.
#[derive(Debug)]
pub struct Image {
    /// Its name without registry and tag.
    pub name: &'static str,
    /// One line for people who find it somewhere.
    pub description: &'static str,
    /// What is built for it.
    pub programs: &'static [Program],
    /// Symbolic links: path and target.
    pub links: &'static [(&'static str, &'static str)],
    /// What it runs when nothing else is said.
    pub entrypoint: &'static str,
    /// `user:group` as numbers.
    pub user: &'static str,
}

/// A program of this workspace in an image.
#[derive(Debug)]
pub struct Program {
    /// The package that it is built from.
    pub package: &'static str,
    /// Name of the binary.
    pub binary: &'static str,
    /// Where it lies, without the leading slash.
    pub path: &'static str,
    /// Cargo's profile that it is built with.
    pub profile: &'static str,
}

/// What the benchmark measures too.
pub const OPERATOR: Program = Program {
    package: "milvus-operator",
    binary: "milvus-operator",
    path: "milvus-operator",
    profile: "operator",
};
const CONFIG: Program = Program {
    package: "milvus-config-tool",
    binary: "milvus-config-tool",
    path: "milvus-config-tool",
    profile: "release",
};
const META: Program = Program {
    package: "milvus-meta",
    binary: "meta-migration",
    path: "milvus/bin/meta-migration",
    profile: "release",
};

/// What users run on their own machine; it is in no image.
const PLUGIN: Program = Program {
    package: "kubectl-milvus",
    binary: "kubectl-milvus",
    path: "kubectl-milvus",
    profile: "release",
};

/// Everything that a release has as a program by itself.
pub const PROGRAMS: &[Program] = &[OPERATOR, CONFIG, META, PLUGIN];

/// The names that the pods of a Milvus call: one program that looks at the name that it is called by.
const TOOLS: &[(&str, &str)] = &[
    ("bin/sh", "/milvus-config-tool"),
    ("cp", "/milvus-config-tool"),
    ("iam-verify", "/milvus-config-tool"),
    ("init.sh", "/milvus-config-tool"),
    ("merge", "/milvus-config-tool"),
    ("run.sh", "/milvus-config-tool"),
];

static IMAGES: &[(Which, Image)] = &[
    (
        Which::Operator,
        Image {
            name: "milvus-operator",
            description: "Installs, upgrades and looks after Milvus on Kubernetes",
            programs: &[OPERATOR, CONFIG],
            links: TOOLS,
            entrypoint: "/milvus-operator",
            user: "65532:65532",
        },
    ),
    (
        Which::Config,
        Image {
            name: "milvus-config-tool",
            description: "The init container of a Milvus pod: run.sh, merge and iam-verify",
            programs: &[CONFIG],
            links: TOOLS,
            entrypoint: "/milvus-config-tool",
            user: "65532:65532",
        },
    ),
    (
        Which::MetaMigration,
        Image {
            name: "meta-migration",
            description: "Migrates the metadata of Milvus 2.1 in etcd to 2.2, and back",
            programs: &[META],
            links: &[],
            entrypoint: "/milvus/bin/meta-migration",
            // As the official image: the backup goes to a volume that belongs to root unless the pod has an
            // fsGroup. The operator's Jobs set a user.
            user: ROOT,
        },
    ),
];
