//! The `otklik` binary: hands the arguments to the command line and returns its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    otklik::cli::start(std::env::args_os()).into()
}
