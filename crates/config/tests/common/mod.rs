//! A directory that looks like the containers of a Milvus pod, and the real program in it.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests, each file uses some")]

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The program as cargo built it.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_milvus-config-tool");

/// Somebody who is not root and owns nothing.
const NOBODY: u32 = 65534;

/// The root of a container.
pub struct Pod {
    dir: tempfile::TempDir,
}

impl Pod {
    /// The tool image, an empty emptyDir and a Milvus image with `milvus.yaml`.
    pub fn new(milvus_yaml: &str) -> Self {
        let pod = Self { dir: tempfile::tempdir().unwrap() };
        fs::set_permissions(pod.dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        // A link would not be reachable for a user who may not enter the build directory. The copy is made by
        // another process: a file that this one has open for writing can't be executed while another test is
        // forking.
        let copied = Command::new("cp").arg(PROGRAM).arg(pod.path("milvus-config-tool")).status().unwrap();
        assert!(copied.success());
        for name in ["run.sh", "merge", "iam-verify", "cp", "init.sh", "sh"] {
            symlink("milvus-config-tool", pod.path(name)).unwrap();
        }
        fs::create_dir_all(pod.path("milvus/tools")).unwrap();
        pod.write("milvus/configs/milvus.yaml", milvus_yaml);
        pod
    }

    /// A pod whose init container is done.
    pub fn ready(milvus_yaml: &str, user_yaml: &str) -> Self {
        let pod = Self::new(milvus_yaml);
        pod.write("milvus/configs/operator/user.yaml", user_yaml);
        succeeded(&pod.command("sh", &["/init.sh"]).output().unwrap());
        pod
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// A program of this root.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.path(program));
        command.args(args).env("MILVUS_CONFIG_TOOL_ROOT", self.dir.path()).env_remove("MILVUSCONF");
        command
    }

    /// `run.sh` in the Milvus container.
    pub fn run(&self, args: &[&str]) -> Command {
        self.command("milvus/tools/run.sh", args)
    }

    /// Merges `user` into `milvus`, both texts.
    pub fn merge(source: &str, destination: &str) -> (Self, Output) {
        let pod = Self::new(destination);
        pod.write("user.yaml", source);
        let (from, to) = (pod.path("user.yaml"), pod.path("milvus/configs/milvus.yaml"));
        let output = pod.command("merge", &["-s", text(&from), "-d", text(&to)]).output().unwrap();
        (pod, output)
    }

    /// Takes write permission for everybody but root from a directory and the files in it.
    pub fn seal(&self, path: &str) {
        for entry in fs::read_dir(self.path(path)).unwrap() {
            let path = entry.unwrap().path();
            let mode = if path.is_dir() { 0o555 } else { 0o444 };
            fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        fs::set_permissions(self.path(path), PermissionsExt::from_mode(0o555)).unwrap();
    }

    /// Lets everybody write in a directory.
    pub fn open(&self, path: &str) {
        fs::set_permissions(self.path(path), PermissionsExt::from_mode(0o777)).unwrap();
    }
}

/// Runs a command as somebody whom file modes bind: root they don't.
pub fn as_nobody(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Its standard output.
pub fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Its standard error.
pub fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
