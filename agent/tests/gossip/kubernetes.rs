//! The manifests of docs/src/kubernetes.md: their variables are flags of this program, and their parts fit together.

use crate::process::{GOSSIP, success};
use std::{collections::BTreeMap, fs, path::Path, process::Command};
use yaml_rust2::{Yaml, YamlLoader};

/// What the page shows as YAML.
fn manifests() -> Vec<Yaml> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/kubernetes.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(|block| YamlLoader::load_from_str(block).unwrap()).collect()
}

fn of_kind(kind: &str) -> Yaml {
    let manifests = manifests();
    let mut found = manifests.into_iter().filter(|manifest| manifest["kind"].as_str() == Some(kind));
    let manifest = found.next().unwrap();
    assert!(found.next().is_none(), "two of {kind}");
    manifest
}

fn text(value: &Yaml) -> &str {
    value.as_str().unwrap()
}

fn items(value: &Yaml) -> &[Yaml] {
    value.as_vec().unwrap()
}

/// The node's container, in a pod.
fn container(set: &Yaml) -> &Yaml {
    let containers = items(&set["spec"]["template"]["spec"]["containers"]);
    assert_eq!(containers.len(), 1);
    &containers[0]
}

/// The container's variables, with what Kubernetes would put in for `$(POD_IP)` and for fields of the pod.
fn variables(container: &Yaml) -> BTreeMap<&str, String> {
    let variables = items(&container["env"]).iter().map(|variable| {
        let value = match text(&variable["name"]) {
            "GOSSIP_NAME" => "shop-0".to_owned(),
            "POD_IP" => "10.0.0.1".to_owned(),
            _ => text(&variable["value"]).replace("$(POD_IP)", "10.0.0.1"),
        };
        (text(&variable["name"]), value)
    });
    variables.collect()
}

#[test]
fn a_node_can_be_started_with_the_variables_of_the_manifest() {
    let set = of_kind("StatefulSet");
    let container = container(&set);
    let variables = variables(container);
    let help = success("run --help");
    for name in variables.keys().filter(|name| **name != "POD_IP") {
        let flag = name.strip_prefix("GOSSIP_").unwrap().to_lowercase().replace('_', "-");
        let mut flags = help.lines().filter_map(|line| line.trim_start().split([' ', '[']).next());
        let is_known = flags.any(|known| known == format!("--{flag}"));
        assert!(is_known, "{name}: `gossip run` has no --{flag}");
    }
    let checked = Command::new(GOSSIP).arg("check-config").env_clear().envs(&variables).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(items(&container["args"]), [Yaml::from_str("run")]);
    // What a probe runs is a command of this program.
    assert!(success("info --help").contains("--json"));
    let liveness = items(&container["livenessProbe"]["exec"]["command"]);
    assert_eq!(liveness, ["gossip", "info"].map(Yaml::from_str));
    let readiness = items(&container["readinessProbe"]["exec"]["command"]);
    assert!(text(&readiness[2]).starts_with("gossip info --json | "), "{readiness:?}");
}

#[test]
fn the_parts_of_the_manifests_fit_together() {
    let (service, set) = (of_kind("Service"), of_kind("StatefulSet"));
    let (spec, pod, container) = (&set["spec"], &set["spec"]["template"], container(&set));
    let variables = variables(container);
    // Who is found by whom.
    let name = text(&service["metadata"]["name"]);
    assert_eq!(text(&spec["serviceName"]), name);
    assert_eq!(service["spec"]["selector"], pod["metadata"]["labels"]);
    assert_eq!(spec["selector"]["matchLabels"], pod["metadata"]["labels"]);
    // The port, wherever it stands.
    let [served] = items(&service["spec"]["ports"]) else { panic!("another port than the node's") };
    let [open] = items(&container["ports"]) else { panic!("another port than the node's") };
    assert_eq!((text(&served["protocol"]), text(&open["protocol"])), ("UDP", "UDP"));
    let port = served["port"].as_i64().unwrap();
    assert_eq!(open["containerPort"].as_i64(), Some(port));
    assert_eq!(variables["GOSSIP_BIND"], format!("10.0.0.1:{port}"));
    assert_eq!(variables["GOSSIP_JOIN"], format!("{name}:{port}"));
    // The control socket lies in a volume that is there.
    let [mount] = items(&container["volumeMounts"]) else { panic!("another volume than that of the socket") };
    let socket = Path::new(&variables["GOSSIP_CONTROL"]);
    assert_eq!(socket.parent(), Some(Path::new(text(&mount["mountPath"]))));
    assert!(items(&pod["spec"]["volumes"]).iter().any(|volume| volume["name"] == mount["name"]));
}
