//! Between a client and the server: latency, faults, death.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use tower::Service as _;

use super::fault::{Fault, PATIENCE, WatchFault, refusal};
use super::life::Life;
use super::operation::{Operation, Verb};
use super::stream;
use super::world::World;
use crate::server::{Actor, AnswerBody, BoxError, Lag, Service};

/// What a client takes for a connection to the API server.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) world: World,
    pub(super) client: Arc<str>,
    pub(super) life: Life,
    pub(super) server: Service,
}

type Answer = Result<Response<AnswerBody>, BoxError>;

impl tower::Service<Request<Body>> for Gate {
    type Response = Response<AnswerBody>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().pass(request))
    }
}

impl Gate {
    async fn pass(mut self, request: Request<Body>) -> Answer {
        self.life.connected().await;
        let latency = self.world.chance().latency();
        tokio::time::sleep(latency).await;
        self.life.connected().await;
        let operation = Operation::of(&request);
        let fault = self.world.choose(&self.client, &operation);
        let answer = self.meet(fault, request, &operation).await;
        self.life.connected().await;
        answer
    }

    async fn meet(&mut self, fault: Option<Fault>, request: Request<Body>, operation: &Operation) -> Answer {
        match fault {
            None => self.ask(request, operation, None).await,
            Some(Fault::Error(code)) => refuse(code),
            Some(Fault::Timeout) => Err(gives_up().await),
            Some(Fault::LostReply) => {
                self.ask(request, operation, None).await?;
                Err(BoxError::from("connection closed before message completed"))
            }
            Some(Fault::NoReply) => {
                self.ask(request, operation, None).await?;
                Err(gives_up().await)
            }
            Some(Fault::KillBefore) => {
                self.life.kill();
                std::future::pending().await
            }
            Some(Fault::KillAfter) => {
                self.ask(request, operation, None).await?;
                self.life.kill();
                std::future::pending().await
            }
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(time).await;
                self.ask(request, operation, None).await
            }
            Some(Fault::Watch(WatchFault::Expired)) => refuse(410),
            Some(Fault::Watch(fault)) => self.ask(request, operation, Some(fault)).await,
        }
    }

    async fn ask(
        &mut self,
        mut request: Request<Body>,
        operation: &Operation,
        fault: Option<WatchFault>,
    ) -> Answer {
        request.extensions_mut().insert(Actor(self.client.clone()));
        if let Some(WatchFault::Lag(time)) = fault {
            request.extensions_mut().insert(Lag::Time(time));
        }
        self.world.with(|_| ());
        let answer = self.server.call(request).await?;
        self.world.tell(format!("{} {operation} → {}", self.client, answer.status().as_u16()));
        self.world.observe();
        if operation.verb != Verb::Watch || !answer.status().is_success() {
            return Ok(answer);
        }
        let life = self.life.clone();
        Ok(answer.map(|body| stream::shape(body, fault, life)))
    }
}

async fn gives_up() -> BoxError {
    tokio::time::sleep(PATIENCE).await;
    BoxError::from("operation timed out")
}

fn refuse(code: u16) -> Answer {
    let failure = refusal(code);
    let body = Full::new(Bytes::from(failure.status().to_string())).map_err(|never| match never {});
    let mut answer = Response::builder().status(code).header(http::header::CONTENT_TYPE, "application/json");
    if failure.retry_after > 0 {
        answer = answer.header(http::header::RETRY_AFTER, failure.retry_after);
    }
    Ok(answer.body(body.boxed_unsync())?)
}
