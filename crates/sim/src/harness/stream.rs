//! The answer to a watch, as it gets to a client.

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

use super::fault::{WatchFault, refusal};
use super::life::Life;
use crate::server::{AnswerBody, BoxError};

type Part = Result<Bytes, BoxError>;

/// A watch's answer with what goes wrong with it. A client that is dead or stopped gets nothing.
pub(super) fn shape(body: AnswerBody, fault: Option<WatchFault>, life: Life) -> AnswerBody {
    let parts: BoxStream<'static, Part> = stream::unfold(body, next).boxed();
    let parts = match fault {
        None | Some(WatchFault::Lag(_) | WatchFault::Expired) => parts,
        Some(WatchFault::Close(after)) => parts.take_until(Box::pin(tokio::time::sleep(after))).boxed(),
        Some(WatchFault::Break(after)) => {
            let broken = stream::once(async { Err(BoxError::from("connection reset by peer")) });
            parts.take_until(Box::pin(tokio::time::sleep(after))).chain(broken).boxed()
        }
        Some(WatchFault::Gap(time)) => stream::once(async move {
            tokio::time::sleep(time).await;
            let event = serde_json::json!({ "type": "ERROR", "object": refusal(410).status() });
            Ok(Bytes::from(format!("{event}\n")))
        })
        .boxed(),
        Some(WatchFault::Twice) => parts
            .flat_map(|part| match part {
                Ok(bytes) => stream::iter(vec![Ok(bytes.clone()), Ok(bytes)]),
                Err(error) => stream::iter(vec![Err(error)]),
            })
            .boxed(),
    };
    let held = parts.then(move |part| {
        let life = life.clone();
        async move {
            life.connected().await;
            part.map(Frame::data)
        }
    });
    StreamBody::new(held).boxed_unsync()
}

/// The next bytes of a body, and the rest of it.
async fn next(mut body: AnswerBody) -> Option<(Part, AnswerBody)> {
    loop {
        match body.frame().await? {
            Ok(frame) => {
                if let Ok(bytes) = frame.into_data() {
                    return Some((Ok(bytes), body));
                }
            }
            Err(error) => return Some((Err(error), body)),
        }
    }
}
