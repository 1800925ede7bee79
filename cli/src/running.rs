//! A server that listens, and its end: first it says that it ends, then it takes no more
//! calls, then it waits for those under way.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use spiderq_service::{Health, Service, Upkeep};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use crate::{
    failure::Failure,
    listen::{self, Host},
    network::Network,
};

/// Connections that the system holds for us until they are accepted. Those of a burst that
/// finds no place are lost to their clients for seconds; the system may allow fewer.
const BACKLOG: u32 = 4096;

/// Whether the server is about to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending(Arc<AtomicBool>);

impl Ending {
    fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The services of a server, as far as its end must know them.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) service: Service,
    pub(crate) health: Health,
    pub(crate) upkeep: Upkeep,
}

/// A server that listens. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// How clients reach it on this machine: `http://LISTEN` or `https://LISTEN`.
    pub url: String,
    /// The admin key that was made because the store had none.
    pub first_key: Option<String>,
    serving: Option<Serving>,
    ending: Ending,
    lame_duck: Duration,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Says that it ends, stops taking calls, waits for those under way, and returns when
    /// all is closed.
    pub async fn shutdown(mut self) {
        self.ending.begin();
        if let Some(serving) = &self.serving {
            serving.health.set(false).await;
        }
        // It does not end by itself.
        let _ = timeout(self.lame_duck, &mut self.task).await;
        // Calls that wait for a job or an event would last as long as the drain.
        if let Some(serving) = &self.serving {
            serving.service.stop();
        }
        // An error means that the task has ended already.
        let _ = self.stop.send(true);
        let _ = self.task.await;
        if let Some(serving) = self.serving {
            serving.upkeep.end().await;
        }
    }
}

/// An address that is taken, and not yet served.
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
}

impl Bound {
    pub(crate) fn to(address: SocketAddr, network: &Network) -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("can't listen on {address}: {error}"));
        let listener = listen(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, url: format!("{}://{address}", network.scheme()) })
    }

    pub(crate) fn serve(
        self,
        host: Host,
        network: &Network,
        ending: Ending,
        serving: Option<Serving>,
        first_key: Option<String>,
    ) -> Running {
        let (stop, stopped) = watch::channel(false);
        let task = listen::serve(self.listener, host, stopped, network.drain);
        Running {
            address: self.address,
            url: self.url,
            first_key,
            serving,
            ending,
            lame_duck: network.lame_duck,
            stop,
            task: tokio::spawn(task),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart need not wait for what the system remembers of the last run.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
