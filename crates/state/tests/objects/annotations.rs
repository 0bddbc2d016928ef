//! `plan` and `api` know nothing of each other: that both mean the same annotation is seen here, where they meet.

use milvus_api::keys;
use milvus_plan::{consent, hold_before};

#[test]
fn plan_and_api_name_the_same_annotations() {
    assert_eq!(consent::ANNOTATION, keys::ALLOW_UPGRADE);
    assert_eq!(hold_before::ANNOTATION, keys::HOLD_BEFORE);
}
