//! etcd and MinIO by themselves.

use milvus_testkit::{
    etcd::{self, Etcd},
    minio::Minio,
};
use object_store::{ObjectStoreExt, path::Path};

#[tokio::test]
async fn etcd_keeps_its_data_and_its_address_over_a_kill() {
    let mut etcd = Etcd::start(etcd::Options::default()).await.unwrap();
    let endpoint = etcd.endpoint();
    etcd.client().await.unwrap().put("by-dev/meta/x", "1", None).await.unwrap();

    etcd.kill().await.unwrap();
    let connected = tokio::net::TcpStream::connect(etcd.address()).await;
    assert!(connected.is_err(), "nobody answers in between");

    etcd.restart().await.unwrap();
    assert_eq!(etcd.endpoint(), endpoint);
    let answer = etcd.client().await.unwrap().get("by-dev/meta/x", None).await.unwrap();
    assert_eq!(answer.kvs()[0].value(), b"1");
}

#[tokio::test]
async fn etcd_with_a_password_refuses_whoever_has_none() {
    let auth = Some(("milvus".to_owned(), "secret".to_owned()));
    let etcd = Etcd::start(etcd::Options { auth, ..etcd::Options::default() }).await.unwrap();
    etcd.client().await.unwrap().put("key", "value", None).await.unwrap();
    let refused = etcd.anonymous().await.unwrap().get("key", None).await.unwrap_err();
    assert!(refused.to_string().contains("user name is empty"), "{refused}");
}

#[tokio::test]
async fn etcd_with_a_small_quota_runs_full() {
    let options = etcd::Options { quota_bytes: Some(1 << 20), ..etcd::Options::default() };
    let etcd = Etcd::start(options).await.unwrap();
    let mut client = etcd.client().await.unwrap();
    let mut full = None;
    // etcd learns the size of its file at the next commit, every 0.1 s, so one has to write for a while.
    for index in 0..2000 {
        if let Err(error) = client.put(format!("key-{index}"), vec![0_u8; 64 << 10], None).await {
            full = Some(error.to_string());
            break;
        }
    }
    assert!(full.as_ref().is_some_and(|error| error.contains("space exceeded")), "{full:?}");
}

#[tokio::test]
async fn minio_serves_a_new_bucket_to_its_own_credentials_only() {
    let minio = Minio::start("milvus", "a-long-secret").await.unwrap();
    minio.create_bucket("files").await.unwrap();
    let bucket = minio.bucket("files").unwrap();
    bucket.put(&Path::from("a/b"), "content".into()).await.unwrap();
    let read = bucket.get(&Path::from("a/b")).await.unwrap().bytes().await.unwrap();
    assert_eq!(&read[..], b"content");

    let again = minio.create_bucket("files").await.unwrap_err();
    assert!(again.to_string().contains("409"), "{again}");
    let anonymous = milvus_testkit::http::get(&format!("{}/files/a/b", minio.endpoint())).await.unwrap();
    assert_eq!(anonymous.status, 403);
}
