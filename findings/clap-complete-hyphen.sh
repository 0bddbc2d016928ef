#!/bin/bash
# clap_complete 4.6.12 (with clap 4.6.7): the bash script that it generates for a program with a hyphen in its name
# completes the verbs, and nothing after a verb: no options, no values. The same program without the hyphen is
# completed, and so is the one with it by clap_complete 4.5.67.
#
# Why: the script walks through the words and puts the verb that it has reached into `cmd`; a second `case` has the
# options of each verb. Under 4.6 the first part names the verb `my__demo__subcmd__plan`, the second one
# `my__subcmd__demo__subcmd__plan`: the hyphen of the name is taken for the end of a verb there, so they never meet.
# Known upstream: https://github.com/clap-rs/clap/issues/6421. Every `kubectl` plugin has a hyphen in its name.
#
# Seen on 2026-11-30, cargo 1.95, bash 5:
#   clap_complete 4.6.12  demo:    --output --help
#   clap_complete 4.6.12  my-demo: (nothing)
#   clap_complete 4.5.67  my-demo: --output --help
#
# Needs cargo and bash. Exits 0 while this is so, 1 when it has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat > src/main.rs <<'RUST'
use clap::{Arg, Command};

fn main() {
    let name = std::env::args().nth(1).expect("the name of the program");
    let plan = Command::new("plan").arg(Arg::new("output").long("output"));
    let mut program = Command::new("demo").subcommand(plan);
    clap_complete::generate(clap_complete::Shell::Bash, &mut program, name, &mut std::io::stdout());
}
RUST

# What bash offers after `NAME plan --`, with the script of one version of clap_complete.
offered() {
    local version=$1 name=$2
    cat > Cargo.toml <<TOML
[package]
name = "completion"
version = "0.0.0"
edition = "2021"
[dependencies]
clap = "=4.6.7"
clap_complete = "=$version"
[workspace]
TOML
    rm -f Cargo.lock
    cargo run --quiet -- "$name" > script.bash
    bash -c '
        source ./script.bash
        function=$(complete -p "$0" | grep -o -- "-F [^ ]*" | cut -c4-)
        COMP_WORDS=("$0" plan --) COMP_CWORD=2
        "$function" "$0" -- plan
        echo "${COMPREPLY[*]}"' "$name"
}

fail=0
check() {
    local version=$1 name=$2 expected=$3 seen
    seen=$(offered "$version" "$name")
    printf 'clap_complete %s  %-8s %s\n' "$version" "$name:" "${seen:-(nothing)}"
    [ "$seen" = "$expected" ] || { echo "  changed: expected ${expected:-nothing}"; fail=1; }
}

check 4.6.12 demo "--output --help"
check 4.6.12 my-demo ""
check 4.5.67 my-demo "--output --help"
exit "$fail"
