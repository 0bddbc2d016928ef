//! Which texts are versions, and how they compare.

mod common;

use common::{known, version};
use milvus_plan::Version;
use proptest::prelude::*;
use rstest::rstest;

#[rstest]
#[case::plain("2.5.16", (2, 5, 16), false, None)]
#[case::leading_v("v2.5.16", (2, 5, 16), false, None)]
#[case::gpu("v2.4.23-gpu", (2, 4, 23), false, Some("gpu"))]
#[case::lite("2.3.5-lite", (2, 3, 5), false, Some("lite"))]
#[case::nightly_build("2.5.0-20240115-abcdef", (2, 5, 0), false, Some("20240115-abcdef"))]
#[case::two_flavours("2.4.23-gpu-arm64", (2, 4, 23), false, Some("gpu-arm64"))]
#[case::candidate("2.6.0-rc1", (2, 6, 0), true, None)]
#[case::dotted_candidate("v2.4.0-rc.1-gpu", (2, 4, 0), true, Some("gpu"))]
#[case::beta("v2.3.0-beta", (2, 3, 0), true, None)]
#[case::as_sessions_write_it("2.2.3-pre+dev", (2, 2, 3), true, Some("dev"))]
fn versions_are_read(
    #[case] text: &str,
    #[case] numbers: (u64, u64, u64),
    #[case] prerelease: bool,
    #[case] flavour: Option<&str>,
) {
    let read = version(text);
    assert_eq!(read.numbers(), numbers);
    assert_eq!(read.is_prerelease(), prerelease);
    assert_eq!(read.flavour(), flavour);
    assert_eq!(read.to_string(), text.trim_start_matches('v'));
}

#[rstest]
#[case::tag(None, "milvusdb/milvus:v2.5.16", "2.5.16")]
#[case::registry_with_port(None, "registry.local:5000/milvusdb/milvus:v2.6.1", "2.6.1")]
#[case::no_path(None, "milvus:2.4.23-gpu", "2.4.23-gpu")]
#[case::explicit_wins(Some("2.6.1"), "private/db:prod", "2.6.1")]
#[case::explicit_wins_over_a_tag(Some("v2.6.1"), "milvusdb/milvus:v2.5.3", "2.6.1")]
#[case::blank_is_not_given(Some("  "), "milvusdb/milvus:v2.5.3", "2.5.3")]
#[case::tag_and_digest(None, "registry:5000/milvus:v2.5.3@sha256:00ff", "2.5.3")]
#[case::explicit_for_a_digest(Some("2.6.1"), "milvusdb/milvus@sha256:00ff", "2.6.1")]
fn the_version_of_an_image(#[case] explicit: Option<&str>, #[case] image: &str, #[case] expected: &str) {
    assert_eq!(Version::of(explicit, image), known(expected));
}

#[rstest]
#[case::latest(None, "milvusdb/milvus:latest", "unknown (latest)")]
#[case::no_patch(None, "milvusdb/milvus:2.6-20250701-abc", "unknown (2.6-20250701-abc)")]
#[case::date(None, "milvusdb/milvus:20250209-1a2b", "unknown (20250209-1a2b)")]
#[case::date_alone(None, "milvusdb/milvus:20250209", "unknown (20250209)")]
#[case::master(None, "milvusdb/milvus:master-20250701-abc", "unknown (master-20250701-abc)")]
#[case::two_numbers(None, "milvusdb/milvus:v2.6", "unknown (v2.6)")]
#[case::four_numbers(None, "milvusdb/milvus:2.6.1.4", "unknown (2.6.1.4)")]
#[case::no_tag(None, "milvusdb/milvus", "unknown (milvusdb/milvus)")]
#[case::port_is_no_tag(None, "registry.local:5000/milvus", "unknown (registry.local:5000/milvus)")]
#[case::digest(None, "milvusdb/milvus@sha256:00ff", "unknown (milvusdb/milvus@sha256:00ff)")]
#[case::empty_tag(None, "milvusdb/milvus:", "unknown (milvusdb/milvus:)")]
#[case::explicit_unreadable(Some("two"), "milvusdb/milvus:v2.5.3", "unknown (two)")]
#[case::empty(None, "", "unknown ()")]
fn what_cannot_be_read_is_unknown(
    #[case] explicit: Option<&str>,
    #[case] image: &str,
    #[case] expected: &str,
) {
    let read = Version::of(explicit, image);
    assert!(read.known().is_none(), "{read} was taken for a version");
    assert_eq!(read.to_string(), expected);
}

#[test]
fn order_is_that_of_releases() {
    let ascending = [
        "1.1.1",
        "2.2.9",
        "2.2.16",
        "2.6.0-alpha",
        "2.6.0-beta",
        "2.6.0-rc2",
        "2.6.0-rc10",
        "2.6.0",
        "2.10.0",
    ];
    for pair in ascending.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{} is not older than {}", pair[0], pair[1]);
    }
    assert_eq!(version("2.4.23-gpu"), version("v2.4.23"), "another build is not another release");
}

#[test]
fn an_error_names_the_text_and_the_form() {
    let error = "2.6".parse::<milvus_plan::MilvusVersion>().unwrap_err().to_string();
    assert_eq!(error, "\"2.6\" is not a Milvus version: write it as major.minor.patch, for example 2.5.16");
}

proptest! {
    #[test]
    fn reading_never_panics_and_shows_what_it_read(explicit in proptest::option::of(".{0,24}"), image in ".{0,40}") {
        let read = Version::of(explicit.as_deref(), &image);
        prop_assert!(!read.to_string().is_empty());
    }

    #[test]
    fn an_unknown_version_compares_to_nothing_known(text in "[a-z0-9.-]{0,12}", numbers in (0u64..4, 0u64..9, 0u64..30)) {
        let unknown = Version::Unknown(text);
        let known = Version::Known(milvus_plan::MilvusVersion::new(numbers.0, numbers.1, numbers.2));
        prop_assert!(unknown.partial_cmp(&known).is_none() && known.partial_cmp(&unknown).is_none());
    }

    #[test]
    fn a_version_reads_back_as_itself(text in "v?[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,2}(-(rc[0-9]|gpu|beta-gpu|[0-9]{8}-[a-f]{6}))?") {
        if let Ok(read) = text.parse::<milvus_plan::MilvusVersion>() {
            let again: milvus_plan::MilvusVersion = read.to_string().parse().unwrap();
            prop_assert_eq!(&again, &read);
            prop_assert_eq!(again.flavour(), read.flavour());
        }
    }
}
