//! Values that a schema accepts, made from a stream of bytes: fewer and smaller bytes make smaller values, so a failing case
//! shrinks to what matters.

use serde_json::{Map, Number, Value, json};

/// Depth at which free values and optional fields end.
const DEPTH: usize = 12;

/// Strings that mean something somewhere in a spec, and some that mean nothing.
const WORDS: [&str; 24] = [
    "",
    "a",
    "milvusdb/milvus:v2.5.16",
    "milvusdb/milvus:v2.6.11",
    "milvusdb/milvus:v2.2.0",
    "milvusdb/milvus:latest",
    "repo@sha256:abc",
    "2.4.9",
    "not a version",
    "host:1234",
    "host",
    "host:99999",
    ":",
    "1Gi",
    "100m",
    "_remove",
    "/var/lib/milvus",
    "app.kubernetes.io/instance",
    "checksum/config",
    "pulsar",
    "true",
    "ünï\u{2028}<&>",
    "metrics",
    "milvus-data",
];

/// Keys that parts of a pod and of the configuration are made of.
const KEYS: [&str; 20] = [
    "name",
    "image",
    "emptyDir",
    "mountPath",
    "etcd",
    "minio",
    "rootPath",
    "bucketName",
    "useSSL",
    "pulsar",
    "port",
    "ports",
    "containerPort",
    "startupProbe",
    "livenessProbe",
    "tcpSocket",
    "replicaCount",
    "enableActiveStandby",
    "rootCoord",
    "mq",
];

/// Makes values out of bytes; when they are used up, the smallest value each time.
pub struct Maker<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Maker<'a> {
    /// From these bytes.
    pub fn new(bytes: &'a [u8]) -> Maker<'a> {
        Maker { bytes: bytes.iter() }
    }

    fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or_default()
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::from(self.byte()) % list.len()]
    }

    /// A value that the schema accepts.
    pub fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if let Some(choices) = schema["enum"].as_array() {
            return choices[usize::from(self.byte()) % choices.len()].clone();
        }
        if schema["x-kubernetes-int-or-string"] == true {
            return if self.byte().is_multiple_of(2) {
                json!(self.byte())
            } else {
                json!(self.one_of(&WORDS))
            };
        }
        if schema["nullable"] == true && self.byte() > 250 {
            return Value::Null;
        }
        match schema["type"].as_str() {
            Some("object") => self.object(schema, depth),
            Some("array") => {
                let count = schema["minItems"].as_u64().unwrap_or_default() + u64::from(self.byte() % 3);
                (0..count).map(|_| self.value(&schema["items"], depth + 1)).collect()
            }
            Some("string") => self.string(schema),
            Some("integer") => self.integer(schema),
            Some("number") => json!(f64::from(self.byte()) / 4.0),
            Some("boolean") => json!(self.byte() % 2 == 1),
            _ => self.free(depth),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut map = Map::new();
        let required =
            |key: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|r| r == key));
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            // Deeper fields are less likely, or every value would be as large as the schema.
            let likely = [200, 140, 60, 40, 40][depth.min(4)];
            if required(key) || (depth < DEPTH && self.byte() > 255 - likely) {
                map.insert(key.clone(), self.value(inner, depth + 1));
            } else if let Some(default) = inner.get("default") {
                map.insert(key.clone(), default.clone());
            }
        }
        if schema["x-kubernetes-preserve-unknown-fields"] == true {
            return self.free_object(depth);
        }
        if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
            for _ in 0..self.byte() % 3 {
                map.insert(self.one_of(&WORDS).to_owned(), self.value(inner, depth + 1));
            }
        }
        Value::Object(map)
    }

    fn string(&mut self, schema: &Value) -> Value {
        let fits = |word: &str| {
            let length = word.chars().count() as u64;
            length >= schema["minLength"].as_u64().unwrap_or_default()
                && length <= schema["maxLength"].as_u64().unwrap_or(u64::MAX)
        };
        if schema.get("pattern").is_some() {
            return json!("a1");
        }
        let words: Vec<&str> = WORDS.into_iter().filter(|word| fits(word)).collect();
        json!(self.one_of(&words))
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let least = schema["minimum"].as_i64().unwrap_or(-2);
        let most = schema["maximum"].as_i64().unwrap_or(i64::from(i32::MAX));
        let number = match self.byte() {
            255 => most,
            254 => least,
            byte => i64::from(byte % 7),
        };
        Value::Number(Number::from(number.clamp(least, most)))
    }

    fn free(&mut self, depth: usize) -> Value {
        match self.byte() % 8 {
            0 => Value::Null,
            1 => json!(self.byte().is_multiple_of(2)),
            2 => json!(i64::from(self.byte()) - 3),
            3 => json!(f64::from(self.byte()) * 1e20),
            4 | 5 => json!(self.one_of(&WORDS)),
            6 if depth < DEPTH => (0..self.byte() % 3).map(|_| self.free(depth + 1)).collect(),
            _ if depth < DEPTH => self.free_object(depth),
            _ => json!({}),
        }
    }

    fn free_object(&mut self, depth: usize) -> Value {
        let pairs = (0..self.byte() % 5).map(|_| (self.one_of(&KEYS).to_owned(), self.free(depth + 1)));
        Value::Object(pairs.collect::<Vec<_>>().into_iter().collect())
    }
}
