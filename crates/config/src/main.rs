//! The config tool as a program: see the library of the same name.

use std::{env, ffi::OsString, process::ExitCode};

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().collect();
    milvus_config_tool::main(&args)
}
