//! Telegram by an account, from the store to the command line.

mod command;
mod flood;
