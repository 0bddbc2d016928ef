//! What is not known is refused loudly.

use serde_json::json;

use crate::World;

#[tokio::test]
async fn every_unknown_request_is_answered_with_501_and_recorded() {
    let world = World::new();
    let pods = "/api/v1/namespaces/default/pods";
    for (method, path) in [
        ("GET", "/apis/example.com/v1/things".to_owned()),
        ("GET", format!("{pods}?fieldSelector=spec.restartPolicy%3DAlways")),
        ("GET", format!("{pods}?labelSelector=a%3E1")),
        ("GET", format!("{pods}?surprise=1")),
        ("DELETE", pods.to_owned()),
        ("POST", format!("{pods}/x/eviction")),
        ("PATCH", "/apis/apps/v1/namespaces/default/deployments/x/scale?fieldManager=x".to_owned()),
    ] {
        let refused = world.send(method, &path, &json!({})).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (501, "NotImplemented"), "{method} {path}");
    }
    assert_eq!(world.server.with(|store| store.unknown().len()), 7);
    std::mem::forget(world);
}
