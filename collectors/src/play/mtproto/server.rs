//! Puts the play on a loopback socket, with Telegram's framing and encryption.
//!
//! Place in the flow: tests of the connection, the command line against a local server. Invariant:
//! faults happen on the wire as Telegram makes them; everything a client can send is bounded.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use grammers_client::tl::{Identifiable, Serializable, functions, types};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::pipe::{Heard, Pipe};
use super::{KEY, PlayMtproto, Reply, split, tell};
use crate::ports::Clock;

const WITH_LAYER: u32 = 0xda9b_0d0d;
/// Most open connections.
const CONNECTIONS_MAX: usize = 64;

/// A running server; stops when dropped, with all its connections.
pub struct MtprotoServer {
    /// Where it listens.
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for MtprotoServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `play` on 127.0.0.1, port 0, with the key [`KEY`]; `clock` tells the play the time.
///
/// # Errors
/// When no socket can be opened.
pub async fn serve(
    play: Arc<Mutex<PlayMtproto>>,
    clock: Arc<dyn Clock>,
) -> io::Result<MtprotoServer> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let addr = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while open.try_join_next().is_some() {}
            if open.len() < CONNECTIONS_MAX {
                let (play, clock) = (play.clone(), clock.clone());
                open.spawn(async move {
                    // A broken connection is the client's affair.
                    converse(stream, &play, &*clock).await.ok();
                });
            }
        }
    });
    Ok(MtprotoServer { addr, task })
}

/// What to do after a message was heard.
enum Next {
    Send(Vec<u8>),
    Nothing,
    Close,
}

async fn converse(
    mut stream: TcpStream,
    play: &Mutex<PlayMtproto>,
    clock: &dyn Clock,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut pipe, mut buffer) = (Pipe::new(&KEY), Vec::new());
    loop {
        while let Some(messages) = pipe.read(&mut buffer).map_err(|_| io::ErrorKind::InvalidData)? {
            for heard in messages {
                match respond(&mut pipe, &heard, play, clock) {
                    Next::Send(bytes) => stream.write_all(&bytes).await?,
                    Next::Nothing => {}
                    Next::Close => return stream.set_zero_linger(),
                }
            }
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

fn respond(pipe: &mut Pipe, heard: &Heard, play: &Mutex<PlayMtproto>, clock: &dyn Clock) -> Next {
    let (id, body) = split(&heard.body);
    let long =
        |bytes: &[u8]| bytes.get(..8).and_then(|b| b.try_into().ok()).map(i64::from_le_bytes);
    match id {
        types::MsgsAck::CONSTRUCTOR_ID => Next::Nothing,
        functions::Ping::CONSTRUCTOR_ID | functions::PingDelayDisconnect::CONSTRUCTOR_ID => {
            Next::Send(pipe.pong(heard.number, long(body).unwrap_or(0)))
        }
        functions::GetFutureSalts::CONSTRUCTOR_ID => Next::Send(pipe.future_salts(heard.number)),
        // The first request of every connection.
        WITH_LAYER => Next::Send(pipe.result(heard.number, &tell::config().to_bytes())),
        _ => {
            let now = clock.now();
            let mut play = play.lock().unwrap_or_else(PoisonError::into_inner);
            match play.answer(&heard.body, now) {
                Reply::Body(answer) => Next::Send(pipe.result(heard.number, &answer)),
                Reply::Packed(answer) => Next::Send(pipe.packed(heard.number, &answer)),
                Reply::Error(code, name) => Next::Send(pipe.error(heard.number, code, &name)),
                Reply::Bare(message) => Next::Send(pipe.bare(heard.number, &message)),
                Reply::BadSalt => Next::Send(pipe.bad_salt(heard.number)),
                Reply::Transport(status) => Next::Send((-status).to_le_bytes().to_vec()),
                Reply::Silence => Next::Nothing,
                Reply::Drop => Next::Close,
            }
        }
    }
}
