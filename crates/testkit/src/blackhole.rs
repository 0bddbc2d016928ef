//! Addresses of the loopback interface that swallow what is sent to them: one that accepts connections and never
//! answers, one that never completes a handshake.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

/// Accepts every connection, keeps it open and never says a word. Ends when it is dropped.
#[derive(Debug)]
pub struct Silent {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Silent {
    /// Starts one on a port of its own.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, accepted) = (listener.local_addr()?, Arc::<AtomicUsize>::default());
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                held.push(stream);
            }
        });
        Ok(Self { address, accepted, task })
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// How many connections there were.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Drops the first packet of every connection, as a firewall does: the queue of its listener is full, and nobody takes
/// anything out of it.
#[derive(Debug)]
pub struct Dropping {
    address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

/// A queue of length 0 holds one connection on Linux; one more is on its way when the first packets are dropped.
const MORE_THAN_THE_QUEUE: usize = 4;

impl Dropping {
    /// Makes one on a port of its own.
    pub async fn start() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(0)?;
        let address = listener.local_addr()?;
        let mut queued = Vec::new();
        for _ in 0..MORE_THAN_THE_QUEUE {
            let connect = TcpStream::connect(address);
            match tokio::time::timeout(std::time::Duration::from_millis(200), connect).await {
                Ok(stream) => queued.push(stream?),
                Err(_dropped) => return Ok(Self { address, _listener: listener, _queued: queued }),
            }
        }
        Err(io::Error::other("the queue of a listener with backlog 0 never gets full on this system"))
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}
