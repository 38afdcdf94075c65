//! Lines in, lines out, in the same order, on all cores, with flat memory.
//!
//! Place in the flow: under `classify` and `evaluate`. Invariant: at most a fixed number of chunks
//! exist at any time, however fast the input or slow the output.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Lines in one chunk.
const CHUNK_LINES: usize = 128;
/// Chunks under way for each thread.
const CHUNKS_PER_THREAD: usize = 4;
/// Longest line in bytes; the rest of a longer one is dropped and the line reported.
pub const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

struct Chunk {
    order: usize,
    first_line: usize,
    lines: Vec<io::Result<String>>,
}

/// Feeds `input` line by line to `work` (made anew for each thread by `worker`) and its answers, in
/// input order, to `output`. Lines are numbered from 1. Blank lines are skipped.
pub fn map_lines<T: Send, W: FnMut(usize, io::Result<String>) -> T>(
    input: impl BufRead + Send,
    threads: usize,
    worker: impl Fn() -> W + Sync,
    mut output: impl FnMut(T) -> io::Result<()>,
) -> io::Result<()> {
    let threads = threads.max(1);
    let bound = threads * CHUNKS_PER_THREAD;
    let (permit, permits) = sync_channel::<()>(bound);
    for _ in 0..bound {
        permit.send(()).map_err(|_| io::Error::other("the queue is closed"))?;
    }
    let (feed, fed) = sync_channel::<Chunk>(bound);
    let (done, finished) = sync_channel::<(usize, Vec<T>)>(bound);
    let fed = Arc::new(Mutex::new(fed));
    std::thread::scope(|scope| {
        scope.spawn(move || read_chunks(input, &permits, &feed));
        for _ in 0..threads {
            let (fed, done, worker) = (Arc::clone(&fed), done.clone(), &worker);
            scope.spawn(move || {
                let mut work = worker();
                while let Some(chunk) = next(&fed) {
                    let first = chunk.first_line;
                    let answers = chunk
                        .lines
                        .into_iter()
                        .enumerate()
                        .filter(|(_, line)| !matches!(line, Ok(line) if line.trim().is_empty()))
                        .map(|(at, line)| work(first + at, line))
                        .collect();
                    if done.send((chunk.order, answers)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let mut waiting: BTreeMap<usize, Vec<T>> = BTreeMap::new();
        let mut order = 0;
        for (at, answers) in finished.iter() {
            waiting.insert(at, answers);
            while let Some(answers) = waiting.remove(&order) {
                order += 1;
                answers.into_iter().try_for_each(&mut output)?;
                // The reader has gone at the end of the input: nobody needs the permit.
                if permit.send(()).is_err() {
                    continue;
                }
            }
        }
        Ok(())
    })
}

fn next(fed: &Mutex<Receiver<Chunk>>) -> Option<Chunk> {
    fed.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn read_chunks(mut input: impl BufRead, permits: &Receiver<()>, feed: &SyncSender<Chunk>) {
    let (mut order, mut number) = (0, 1);
    loop {
        let mut lines = Vec::with_capacity(CHUNK_LINES);
        let mut last = false;
        while lines.len() < CHUNK_LINES {
            match read_line(&mut input) {
                Ok(None) => {
                    last = true;
                    break;
                }
                Ok(Some(line)) => lines.push(line),
                Err(error) => {
                    lines.push(Err(error));
                    last = true;
                    break;
                }
            }
        }
        let count = lines.len();
        if count > 0 {
            if permits.recv().is_err() {
                return;
            }
            if feed.send(Chunk { order, first_line: number, lines }).is_err() {
                return;
            }
        }
        if last {
            return;
        }
        order += 1;
        number += count;
    }
}

/// One line without its end; bad UTF-8 or too long is an error of that line alone.
pub fn read_line(input: &mut impl BufRead) -> io::Result<Option<io::Result<String>>> {
    let mut bytes = Vec::new();
    let mut too_long = false;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            if bytes.is_empty() && !too_long {
                return Ok(None);
            }
            break;
        }
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        if bytes.len() + used > LINE_BYTES_MAX {
            too_long = true;
            bytes.clear();
        } else if !too_long {
            bytes.extend_from_slice(&buffer[..end.unwrap_or(used)]);
        }
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    if too_long {
        let text = format!("строка длиннее {} МиБ", LINE_BYTES_MAX / 1024 / 1024);
        return Ok(Some(Err(io::Error::new(io::ErrorKind::InvalidData, text))));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(
        String::from_utf8(bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "строка не в кодировке UTF-8")),
    ))
}

/// Opens a file or, for `-`, the standard input; `.gz` is unpacked.
pub fn open_input(path: &std::path::Path) -> io::Result<Box<dyn BufRead + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::BufReader::new(io::stdin())));
    }
    let file = io::BufReader::new(std::fs::File::open(path)?);
    if path.extension().is_some_and(|end| end == "gz") {
        return Ok(Box::new(io::BufReader::new(flate2::bufread::MultiGzDecoder::new(file))));
    }
    Ok(Box::new(file))
}
