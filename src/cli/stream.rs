//! Lines in, lines out, in the same order, on all cores, with flat memory.
//!
//! Place in the flow: under `classify` and `evaluate`. Invariants: at most a fixed number of chunks
//! exist at any time, however fast the input or slow the output; a line never waits for the next
//! one to come; output that fails ends everything.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Most lines in one chunk, and the size in bytes at which it is full.
const CHUNK_LINES: usize = 128;
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks under way for each thread.
const CHUNKS_PER_THREAD: usize = 4;
/// Bytes read at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// Longest line in bytes; the rest of a longer one is dropped and the line reported.
pub const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

struct Chunk {
    order: usize,
    first_line: usize,
    lines: Vec<io::Result<String>>,
}

/// What the output is handed.
pub enum Turn<T> {
    /// The next answer.
    Answer(T),
    /// Nothing more is ready now: what was written may be shown.
    Pause,
}

/// Feeds `input` line by line to `work` (made anew for each thread by `worker`) and its answers, in
/// input order, to `output`. Lines are numbered from 1. Blank lines are skipped.
pub fn map_lines<T: Send, W: FnMut(usize, io::Result<String>) -> T>(
    input: impl BufRead + Send,
    threads: usize,
    worker: impl Fn() -> W + Sync,
    mut output: impl FnMut(Turn<T>) -> io::Result<()>,
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
    let worker = &worker;
    // Our ends of the channels move in: when the output fails they close, and every thread ends.
    std::thread::scope(move |scope| {
        scope.spawn(move || read_chunks(Lines::new(input), &permits, &feed));
        for _ in 0..threads {
            let (fed, done) = (Arc::clone(&fed), done.clone());
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
        drop((done, fed));
        let mut waiting: BTreeMap<usize, Vec<T>> = BTreeMap::new();
        let mut order = 0;
        loop {
            let (at, answers) = match finished.try_recv() {
                Ok(chunk) => chunk,
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => {
                    output(Turn::Pause)?;
                    let Ok(chunk) = finished.recv() else { return Ok(()) };
                    chunk
                }
            };
            waiting.insert(at, answers);
            while let Some(answers) = waiting.remove(&order) {
                order += 1;
                answers.into_iter().map(Turn::Answer).try_for_each(&mut output)?;
                // The reader has gone at the end of the input: nobody needs the permit.
                if permit.send(()).is_err() {
                    continue;
                }
            }
        }
    })
}

fn next(fed: &Mutex<Receiver<Chunk>>) -> Option<Chunk> {
    fed.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn read_chunks(mut input: Lines<impl BufRead>, permits: &Receiver<()>, feed: &SyncSender<Chunk>) {
    let (mut order, mut number) = (0, 1);
    loop {
        let mut lines = Vec::new();
        let (mut bytes, mut last) = (0, false);
        // A chunk that is not full goes on its way when the next line may be long in coming.
        while lines.is_empty()
            || (lines.len() < CHUNK_LINES && bytes < CHUNK_BYTES && !input.drained())
        {
            match input.next_line() {
                Ok(None) => {
                    last = true;
                    break;
                }
                Ok(Some(line)) => {
                    bytes += line.as_ref().map_or(0, String::len);
                    lines.push(line);
                }
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

/// Lines of an input, without their ends.
pub struct Lines<R> {
    input: R,
    drained: bool,
    first: bool,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `input`; a byte order mark before the first is no part of it.
    pub fn new(input: R) -> Self {
        Self { input, drained: false, first: true }
    }

    /// Whether the last line used up all that had arrived, so that the next one may be waited for.
    pub fn drained(&self) -> bool {
        self.drained
    }

    /// One line; bad UTF-8 or too long is an error of that line alone.
    pub fn next_line(&mut self) -> io::Result<Option<io::Result<String>>> {
        let Some(mut line) = self.raw_line()? else { return Ok(None) };
        if std::mem::take(&mut self.first)
            && let Ok(line) = &mut line
            && line.starts_with('\u{FEFF}')
        {
            line.drain(..'\u{FEFF}'.len_utf8());
        }
        Ok(Some(line))
    }

    fn raw_line(&mut self) -> io::Result<Option<io::Result<String>>> {
        let mut bytes = Vec::new();
        let mut too_long = false;
        loop {
            let buffer = match self.input.fill_buf() {
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
            self.drained = used == buffer.len();
            if bytes.len() + used > LINE_BYTES_MAX {
                too_long = true;
                bytes.clear();
            } else if !too_long {
                bytes.extend_from_slice(&buffer[..end.unwrap_or(used)]);
            }
            self.input.consume(used);
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
        let utf8 = String::from_utf8(bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "строка не в кодировке UTF-8"));
        Ok(Some(utf8))
    }
}

/// Opens a file or, for `-`, the standard input; `.gz` is unpacked.
pub fn open_input(path: &std::path::Path) -> io::Result<Box<dyn BufRead + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::BufReader::with_capacity(BUFFER_BYTES, io::stdin())));
    }
    let file = io::BufReader::with_capacity(BUFFER_BYTES, std::fs::File::open(path)?);
    if path.extension().is_some_and(|end| end == "gz") {
        let unpacked = flate2::bufread::MultiGzDecoder::new(file);
        return Ok(Box::new(io::BufReader::with_capacity(BUFFER_BYTES, unpacked)));
    }
    Ok(Box::new(file))
}
