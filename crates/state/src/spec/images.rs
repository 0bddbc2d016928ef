//! Images: what the whole Milvus is to run, and what single components are.

use milvus_api::Components;
use milvus_api::milvus::DEFAULT_IMAGE;
use milvus_plan::{Component, Mode, Side, Topology, Version, components_of};
use oci_spec::distribution::Reference;
use strum::IntoEnumIterator as _;

use super::decode::GLOBAL;
use super::findings::Findings;
use crate::convert;
use crate::refusal::Refusal;

/// What the whole Milvus is asked to run.
pub(super) struct Asked {
    /// Its image and version.
    pub(super) side: Side,
    /// `spec.components.image`, where nothing runs it.
    pub(super) unused: Option<String>,
}

/// The image of the whole Milvus: that of `spec.components.image`, as long as a component runs it; else the one version
/// that the components name.
///
/// The API server writes the default image into every object that names none, so that nobody can tell whether it was
/// asked for: where the components name another minor line, it was not.
pub(super) fn asked(common: &Components, topology: Topology, findings: &mut Findings) -> Asked {
    check_all(common, topology.mode, &mut findings.refusals);
    let image = given(common.global.image.as_ref()).map_or(DEFAULT_IMAGE, String::as_str);
    let whole = Side { image: image.to_owned(), version: Version::of(stated(common), image) };
    let own = own_sides(common, topology.mode);
    let runs_it = judged(&whole.version, topology).any(|one| own.iter().all(|(with, _)| *with != one));
    let default = image == DEFAULT_IMAGE;
    let contradicted = default && own.iter().any(|(_, side)| other_line(side, &whole));
    match consensus(&own, topology) {
        Some(side) if contradicted || !runs_it => {
            if contradicted && runs_it {
                findings.warnings.push(default_not_taken(&side));
            }
            return Asked { side, unused: Some(whole.image) };
        }
        None if contradicted => findings.refusals.push(several_versions(&own)),
        Some(_) | None => {}
    }
    if default && runs_it && own.iter().any(|(_, side)| side.version != whole.version) {
        findings.warnings.push(default_taken(&whole));
    }
    Asked { side: whole, unused: None }
}

fn other_line(one: &Side, other: &Side) -> bool {
    let line = |side: &Side| side.version.known().map(|v| (v.numbers().0, v.numbers().1));
    line(one).zip(line(other)).is_some_and(|(one, other)| one != other)
}

fn default_not_taken(side: &Side) -> String {
    format!(
        "{GLOBAL}.image: it is the default image {DEFAULT_IMAGE}, which the images of the components contradict; {} is \
         taken for the rest. Set it to the image that is meant",
        side.image
    )
}

fn default_taken(side: &Side) -> String {
    format!(
        "{GLOBAL}.image: components without an image of their own run the default image {}; set it to the image that is \
         meant",
        side.image
    )
}

/// The image that a component has for itself. Its tag counts more than `spec.components.version`, which is for the
/// whole Milvus.
pub(super) fn own(component: Component, common: &Components) -> Option<Side> {
    let spec = &common.component(convert::component_name(component))?.spec;
    let image = given(spec.image.as_ref())?;
    let version = match Version::of(None, image) {
        Version::Known(version) => Version::Known(version),
        Version::Unknown(_) => Version::of(stated(common), image),
    };
    Some(Side { image: image.to_owned(), version })
}

/// The images of single components that have pods and whose version says something about the data.
fn own_sides(common: &Components, mode: Mode) -> Vec<(Component, Side)> {
    let of_mode = |one: &Component| (*one == Component::Standalone) == (mode == Mode::Standalone);
    let sides = Component::iter().filter(|one| of_mode(one) && *one != Component::Cdc);
    sides.filter_map(|one| Some((one, own(one, common)?))).collect()
}

/// The components of a version whose image says something about the data: not the placeholder standalone of a
/// cluster, and not what copies changes elsewhere.
fn judged(version: &Version, topology: Topology) -> impl Iterator<Item = Component> {
    let cluster = topology.mode == Mode::Cluster;
    let all = components_of(version, &topology).into_iter();
    all.filter(move |one| *one != Component::Cdc && !(cluster && *one == Component::Standalone))
}

/// The one version that the components of that version name, with the image of the first of them.
fn consensus(own: &[(Component, Side)], topology: Topology) -> Option<Side> {
    let agree = |side: &Side| {
        let named = judged(&side.version, topology)
            .filter_map(|one| own.iter().find(|(with, _)| *with == one))
            .map(|(_, side)| side);
        let named: Vec<&Side> = named.collect();
        named.iter().all(|one| one.version == side.version).then(|| named.first().copied().cloned())?
    };
    let mut agreed: Vec<Side> = Vec::new();
    for side in own.iter().filter_map(|(_, side)| agree(side)) {
        if agreed.iter().all(|other| other.version != side.version) {
            agreed.push(side);
        }
    }
    match agreed.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn several_versions(own: &[(Component, Side)]) -> Refusal {
    let named = own.iter().map(|(component, side)| format!("{}: {}", component.field(), side.version));
    let named: Vec<String> = named.collect();
    Refusal::invalid(
        &format!("{GLOBAL}.image"),
        format!(
            "it is not set, or the default image, and the images of the components are of several versions ({})",
            named.join(", ")
        ),
        "Set it to the image that components without one of their own are to run, and give the others images of \
         that version.",
    )
}

/// Kubernetes takes any text as an image; a wrong one shows only when the first pod can't start.
fn check_all(common: &Components, mode: Mode, refusals: &mut Vec<Refusal>) {
    let mut check = |field: String, image: Option<&String>| refusals.extend(checked(&field, image));
    check(format!("{GLOBAL}.image"), common.global.image.as_ref());
    check(format!("{GLOBAL}.toolImage"), common.tool_image.as_ref());
    check(format!("{GLOBAL}.dummyImage"), common.dummy_image.as_ref());
    let of_mode = |one: &Component| (*one == Component::Standalone) == (mode == Mode::Standalone);
    for component in Component::iter().filter(of_mode) {
        let own = common.component(convert::component_name(component));
        check(format!("{GLOBAL}.{}.image", component.field()), own.and_then(|own| own.spec.image.as_ref()));
    }
}

fn checked(field: &str, image: Option<&String>) -> Option<Refusal> {
    let image = given(image)?;
    let error = Reference::try_from(image.as_str()).err()?;
    let fix = "Write it as registry/name:tag, in lower case and without blanks around it.";
    Some(Refusal::invalid(field, format!("{image:?} is not the name of an image ({error})"), fix))
}

fn stated(common: &Components) -> Option<&str> {
    common.global.version.as_deref().filter(|version| !version.is_empty())
}

fn given(value: Option<&String>) -> Option<&String> {
    value.filter(|text| !text.is_empty())
}
