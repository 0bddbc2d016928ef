//! Owned objects that somebody deletes or edits.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use rstest::rstest;

use crate::world::{Demands, World, crs};

const PROXY: &str = "my-release-milvus-proxy";

/// It comes back as it was.
#[rstest]
#[case("proxy")]
#[case("mixcoord")]
#[case("standalone")]
fn a_deleted_deployment_comes_back(#[case] component: &str) {
    let mut world = World::running(crs::mix("2.4.9"));
    let name = format!("my-release-milvus-{component}");
    let before = world.deployments[&name].spec.clone();
    world.delete_deployment(&name);
    world.pass();
    assert_eq!(world.deployments[&name].spec, before, "in the next pass");
    world.settle();
    assert!(world.updated());
}

/// In the middle of a roll it comes back with the image that it ran: its turn has not come.
#[test]
fn a_deployment_deleted_before_its_turn_comes_back_with_its_image() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.demands = Demands { ordered: true, serving: false };
    world.set_image("2.4.10");
    world.until("the coordinator's turn", |w| w.order().iter().any(|c| c == "mixcoord"));
    world.delete_deployment(PROXY);
    world.pass();
    let spec = world.deployments[PROXY].spec.clone().unwrap();
    assert_eq!(spec.template.spec.unwrap().containers[0].image, Some(crs::image("2.4.9")));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(world.order().join(" "), "indexnode mixcoord querynode datanode proxy");
}

/// After its turn it comes back with the new one.
#[test]
fn a_deployment_deleted_after_its_turn_comes_back_with_the_new_image() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.4.10");
    world.until("query nodes", |w| w.order().iter().any(|c| c == "querynode"));
    world.delete_deployment("my-release-milvus-indexnode");
    world.pass();
    let spec = world.deployments["my-release-milvus-indexnode"].spec.clone().unwrap();
    assert_eq!(spec.template.spec.unwrap().containers[0].image, Some(crs::image("2.4.10")));
    world.settle();
    assert!(world.updated());
}

/// Refused paths repair too, at the image that runs.
#[test]
fn a_deployment_deleted_under_a_refused_image_comes_back_with_its_image() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.set_image("2.6.11");
    world.settle();
    world.delete_deployment(PROXY);
    world.settle();
    assert_eq!(world.pods.values().filter(|p| p.component() == "proxy").count(), 1);
    assert!(world.pods.values().all(|p| p.image == crs::image("2.4.9")), "{}", world.describe());
}

/// An edit by hand is undone, whatever it touched.
#[rstest]
#[case::image(|s: &mut k8s_openapi::api::apps::v1::DeploymentSpec| {
    s.template.spec.as_mut().unwrap().containers[0].image = Some("evil:1".to_owned());
})]
#[case::replicas(|s: &mut k8s_openapi::api::apps::v1::DeploymentSpec| s.replicas = Some(7))]
#[case::paused(|s: &mut k8s_openapi::api::apps::v1::DeploymentSpec| s.paused = Some(true))]
#[case::args(|s: &mut k8s_openapi::api::apps::v1::DeploymentSpec| {
    s.template.spec.as_mut().unwrap().containers[0].args = None;
})]
fn an_edit_by_hand_is_undone(#[case] edit: fn(&mut k8s_openapi::api::apps::v1::DeploymentSpec)) {
    let mut world = World::running(crs::mix("2.4.9"));
    for name in [PROXY, "my-release-milvus-querynode-0"] {
        let before = world.deployments[name].spec.clone();
        world.meddle(name, edit);
        world.pass();
        assert_eq!(world.deployments[name].spec, before, "{name}");
        world.settle();
        assert!(world.updated(), "{}", world.describe());
    }
}

/// In the middle of a roll too: what waits for its turn is put back to what it ran.
#[test]
fn an_edit_by_hand_before_its_turn_is_undone() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.demands.ordered = true;
    world.set_image("2.4.10");
    world.until("the coordinator's turn", |w| w.order().iter().any(|c| c == "mixcoord"));
    let before = world.deployments[PROXY].spec.clone();
    world.meddle(PROXY, |s| s.template.spec.as_mut().unwrap().containers[0].args = None);
    world.pass();
    assert_eq!(world.deployments[PROXY].spec, before);
    world.settle();
    assert!(world.updated(), "{}", world.describe());
}

/// ConfigMap and Service come back, and edits of them are undone.
#[test]
fn config_map_and_service_are_kept() {
    let mut world = World::running(crs::mix("2.4.9"));
    let (map, service) = (world.config_maps["my-release"].clone(), world.service.clone().unwrap());
    world.config_maps.clear();
    world.service = None;
    world.pass();
    assert_eq!(world.config_maps["my-release"].data, map.data);
    assert_eq!(entry(world.service.as_ref().unwrap()), entry(&service));
    let edited = world.config_maps.get_mut("my-release").unwrap().data.as_mut().unwrap();
    edited.insert("user.yaml".to_owned(), String::new());
    let selector = world.service.as_mut().unwrap().spec.as_mut().unwrap().selector.as_mut().unwrap();
    selector.insert("app.kubernetes.io/instance".to_owned(), "other".to_owned());
    world.pass();
    assert_eq!(world.config_maps["my-release"].data, map.data);
    assert_eq!(entry(world.service.as_ref().unwrap()), entry(&service));
}

/// Ports are told apart by number: one that somebody has given another number is a second one of the same name beside
/// ours, and would be refused. It is put back all the same; a port that somebody has added stays.
#[test]
fn a_port_with_another_number_is_put_back() {
    let mut world = World::running(crs::mix("2.4.9"));
    let before = ports(&world);
    edit_ports(&mut world, |ports| {
        ports[0].port = 1;
        ports.push(ServicePort { name: Some("mine".to_owned()), port: 7, ..ServicePort::default() });
    });
    world.pass();
    let mut with_mine = before;
    with_mine.push(("mine".to_owned(), 7));
    with_mine.sort();
    assert_eq!(ports(&world), with_mine, "in the next pass");
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(ports(&world), with_mine);
}

/// What another operator, or Helm, has written stays beside what we apply, unless it becomes ours first.
#[rstest]
#[case::the_go_operator("manager")]
#[case::helm("helm")]
fn a_port_of_another_writer_goes_with_a_change_of_the_spec(#[case] writer: &str) {
    let mut world = World::running(crs::mix("2.4.9"));
    world.service_written_by(writer);
    world.settle();
    world.edit(|m| m.spec.components.proxy.get_or_insert_default().service.port = Some(443));
    world.settle();
    assert!(world.updated(), "{}", world.describe());
    assert_eq!(ports(&world), [("metrics".to_owned(), 9091), ("milvus".to_owned(), 443)]);
}

/// Of the Go operator everything becomes ours at the first write, so that a label goes when the spec has it no more.
#[test]
fn what_the_go_operator_wrote_goes_with_its_field() {
    let mut milvus = crs::mix("2.4.9");
    let labels = [("team".to_owned(), "search".to_owned())].into();
    milvus.spec.components.proxy.get_or_insert_default().service.service_labels = labels;
    let mut world = World::running(milvus);
    world.service_written_by("manager");
    world.settle();
    let label = |world: &World| {
        world.service.as_ref().unwrap().metadata.labels.as_ref().unwrap().get("team").cloned()
    };
    assert_eq!(label(&world).as_deref(), Some("search"));
    world.edit(|m| m.spec.components.proxy.as_mut().unwrap().service.service_labels.clear());
    world.settle();
    assert_eq!(label(&world), None);
}

fn edit_ports(world: &mut World, edit: impl FnOnce(&mut Vec<ServicePort>)) {
    edit(world.service.as_mut().unwrap().spec.as_mut().unwrap().ports.as_mut().unwrap());
}

/// Names and numbers.
fn ports(world: &World) -> Vec<(String, i32)> {
    let spec = world.service.clone().unwrap().spec.unwrap();
    let mut ports: Vec<_> = spec.ports.unwrap().into_iter().map(|p| (p.name.unwrap(), p.port)).collect();
    ports.sort();
    ports
}

/// What a Service asks for, without the addresses that it was given.
fn entry(service: &Service) -> ServiceSpec {
    let spec = service.spec.clone().unwrap();
    ServiceSpec { cluster_ip: None, cluster_ips: None, ..spec }
}

/// A new operator brings a new tool image: no pod is restarted for it, and it comes with the next real change.
#[test]
fn a_new_operator_restarts_nothing() {
    let mut world = World::running(crs::mix("2.4.9"));
    world.tool.image = "operator:2".to_owned();
    let written = world.history.objects_written;
    world.settle();
    assert_eq!(world.history.objects_written, written);
    // An edit by hand is undone with the tool image that runs: the template goes back to what it was.
    let pods: Vec<String> = world.pods.keys().cloned().collect();
    world.meddle(PROXY, |s| s.replicas = Some(2));
    world.pass();
    world.settle();
    let left: Vec<String> = world.pods.keys().cloned().collect();
    assert_eq!(left, pods, "{}", world.describe());
    world.set_image("2.4.10");
    world.settle();
    let spec = world.deployments[PROXY].spec.clone().unwrap().template.spec.unwrap();
    assert_eq!(spec.init_containers.unwrap()[0].image.as_deref(), Some("operator:2"));
}
