//! Which keys of `spec.config` Milvus reads, as far as that is known.
//!
//! Milvus starts with any configuration and ignores what it does not know, so a misspelt key is a setting that silently has no
//! effect. The table is the union of the sections, and of the keys right below them, of `configs/milvus.yaml` in Milvus 2.2 to
//! 2.6; what only the code of Milvus knows is not in it. So a section that is not in the table is told, and a key below
//! a section only where one of the table is written almost alike.

use serde_json::{Map, Value};

use super::config::plain;

/// How many letters two keys may differ in to be taken for the same word.
const ALIKE: usize = 2;
/// Keys that are shorter differ in two letters too easily.
const LONG_ENOUGH: usize = 5;

/// What is said of every key of `config` that Milvus probably does not read.
pub fn warnings(config: &Map<String, Value>) -> Vec<String> {
    config.iter().flat_map(|(section, value)| of_section(section, value)).collect()
}

fn of_section(section: &str, value: &Value) -> Vec<String> {
    // `rootCoord.dmlChannelNum: 16` is understood as well as a key in a section.
    let (name, rest) = section.split_once('.').map_or((section, None), |(name, rest)| (name, Some(rest)));
    let Some((_, keys)) = SECTIONS.iter().find(|(known, _)| same(known, name)) else {
        if value_of_known_key(section, value) {
            return Vec::new();
        }
        let hint = closest(name, SECTIONS.iter().map(|(known, _)| *known))
            .map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
        return vec![format!("spec.config.{section}: Milvus has no such section and ignores it{hint}")];
    };
    let below: Vec<&str> = match rest {
        Some(rest) => vec![rest.split('.').next().unwrap_or(rest)],
        None => value.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str)).collect(),
    };
    below.into_iter().filter_map(|key| of_key(name, key, keys)).collect()
}

/// `etcdRootPath: x` is `etcd.rootPath` for Milvus.
fn value_of_known_key(path: &str, value: &Value) -> bool {
    let path = plain(path);
    let known = |section: &str, key: &str| plain(section) + &plain(key) == path;
    !value.is_object() && SECTIONS.iter().any(|(section, keys)| keys.iter().any(|key| known(section, key)))
}

fn of_key(section: &str, key: &str, keys: &[&str]) -> Option<String> {
    if let Some((_, _, instead)) = MISPLACED.iter().find(|(s, k, _)| same(s, section) && same(k, key)) {
        return Some(format!("spec.config.{section}.{key}: Milvus reads `{instead}` and ignores this"));
    }
    if keys.iter().any(|known| same(known, key)) {
        return None;
    }
    let known = closest(key, keys.iter().copied())?;
    Some(format!("spec.config.{section}.{key}: Milvus probably ignores it; did you mean `{known}`?"))
}

/// Milvus compares keys without regard to case and to `_`.
fn same(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

/// The key of the table that is written almost like this one.
fn closest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if key.chars().count() < LONG_ENOUGH {
        return None;
    }
    let distance = |known: &str| strsim::damerau_levenshtein(&plain(key), &plain(known));
    known
        .map(|k| (distance(k), k))
        .filter(|(far, _)| *far <= ALIKE)
        .min_by_key(|(far, _)| *far)
        .map(|(_, k)| k)
}

/// Section, key, and where Milvus reads it. Upstream's samples have the first two in the wrong place.
const MISPLACED: [(&str, &str, &str); 5] = [
    ("common", "tls", "spec.config.tls"),
    ("common", "internaltls", "spec.config.internaltls"),
    ("kafka", "tlsCert", "spec.config.kafka.ssl.tlsCert"),
    ("kafka", "tlsKey", "spec.config.kafka.ssl.tlsKey"),
    ("kafka", "tlsCaCert", "spec.config.kafka.ssl.tlsCaCert"),
];

/// Sections of `milvus.yaml`, and the keys right below each.
#[rustfmt::skip]
const SECTIONS: &[(&str, &[&str])] = &[
    ("autoIndex", &["params"]),
    ("common", &[
        "DiskIndex", "ImportMaxFileSize", "bloomFilterApplyBatchSize", "bloomFilterSize", "bloomFilterType",
        "buildIndexThreadPoolRatio", "chanNamePrefix", "collectionReplicateEnable", "defaultIndexName",
        "defaultPartitionName", "diskWriteBufferSizeKb", "diskWriteMode", "diskWriteNumThreads", "diskWriteRateLimiter",
        "enableConfigParamTypeCheck", "enablePosixMode", "enableVectorClusteringKey", "enabledGrowingSegmentJSONKeyStats",
        "enabledJSONKeyStats", "enabledOptimizeExpr", "entityExpiration", "gracefulStopTimeout", "gracefulTime",
        "indexSliceSize", "localRPCEnabled", "locks", "maxBloomFalsePositive", "preCreatedTopic", "retentionDuration",
        "security", "session", "simdType", "storage", "storageType", "subNamePrefix", "sync", "threadCoreCoefficient",
        "traceLogMode", "ttMsgEnabled", "usePartitionKeyAsClusteringKey", "useVectorAsClusteringKey",
    ]),
    ("credential", &[]),
    ("dataCoord", &[
        "autoBalance", "autoUpgradeSegmentIndex", "brokerTimeout", "channel", "checkAutoBalanceConfigInterval",
        "compaction", "enableActiveStandby", "enableCompaction", "enableGarbageCollection", "forceRebuildSegmentIndex",
        "gc", "gracefulStopTimeout", "grpc", "import", "index", "ip", "jsonKeyStatsMemoryBudgetInTantivy",
        "jsonStatsTriggerCount", "jsonStatsTriggerInterval", "port", "sealPolicy", "segment", "segmentFlushInterval",
        "slot", "syncSegmentsInterval", "targetVecIndexVersion",
    ]),
    ("dataNode", &[
        "bloomFilterApplyParallelFactor", "channel", "clusteringCompaction", "compaction", "dataSync",
        "gracefulStopTimeout", "grpc", "import", "ip", "memory", "port", "segment", "slot", "storage", "timetick",
    ]),
    ("etcd", &[
        "auth", "data", "endpoints", "kvSubPath", "log", "metaSubPath", "requestTimeout", "rootPath", "ssl", "use",
    ]),
    ("function", &["analyzer", "rerank", "textEmbedding"]),
    ("gpu", &["initMemSize", "maxMemSize", "overloadedMemoryThresholdPercentage"]),
    ("grpc", &[
        "client", "clientMaxRecvSize", "clientMaxSendSize", "gracefulStopTimeout", "log", "serverMaxRecvSize",
        "serverMaxSendSize",
    ]),
    ("indexCoord", &["bindIndexNodeMode", "enableActiveStandby", "segment"]),
    ("indexNode", &[
        "enableDisk", "gracefulStopTimeout", "grpc", "ip", "maxDiskUsagePercentage", "port", "scheduler",
    ]),
    ("internaltls", &["caPemPath", "serverKeyPath", "serverPemPath", "sni"]),
    ("kafka", &[
        "brokerList", "consumer", "producer", "readTimeout", "saslMechanisms", "saslPassword", "saslUsername",
        "securityProtocol", "ssl",
    ]),
    ("knowhere", &["DISKANN", "enable"]),
    ("localStorage", &["path"]),
    ("log", &["file", "format", "level", "stdout"]),
    // Written by the operator, read by the tool that merges configurations.
    ("messageQueue", &[]),
    ("metastore", &["snapshot", "type"]),
    ("minio", &[
        "accessKeyID", "address", "bucketName", "cloudProvider", "gcpCredentialJSON", "iamEndpoint",
        "listObjectsMaxKeys", "logLevel", "port", "region", "requestTimeoutMs", "rootPath", "secretAccessKey", "ssl",
        "useIAM", "useSSL", "useVirtualHost",
    ]),
    ("mixCoord", &["enableActiveStandby"]),
    ("mq", &[
        "dispatcher", "enablePursuitMode", "mqBufSize", "pursuitBufferSize", "pursuitBufferTime", "pursuitLag", "type",
    ]),
    ("msgChannel", &["chanNamePrefix", "subNamePrefix"]),
    ("mysql", &["address", "dbName", "maxIdleConns", "maxOpenConns", "password", "port", "username"]),
    ("natsmq", &["server"]),
    ("proxy", &[
        "accessLog", "connectionCheckIntervalSeconds", "connectionClientInfoTTLSeconds", "dclConcurrency",
        "ddlConcurrency", "ginLogSkipPaths", "ginLogging", "gracefulStopTimeout", "grpc", "healthCheckTimeout",
        "healthCheckTimetout", "http", "internalPort", "ip", "maxConnectionNum", "maxDimension", "maxFieldNum",
        "maxNameLength", "maxResultEntries", "maxShardNum", "maxTaskNum", "maxVectorFieldNum", "msgStream",
        "mustUsePartitionKey", "partialResultRequiredDataRatio", "port", "queryNodePooling", "slowQuerySpanInSeconds",
        "timeTickInterval",
    ]),
    ("pulsar", &[
        "address", "authParams", "authPlugin", "enableClientMetrics", "maxMessageSize", "namespace", "port",
        "requestTimeout", "tenant", "webaddress", "webport",
    ]),
    ("queryCoord", &[
        "autoBalance", "autoBalanceChannel", "autoBalanceInterval", "autoHandoff", "balanceCostThreshold",
        "balanceIntervalSeconds", "balancer", "brokerTimeout", "channelExclusiveNodeFactor", "channelTaskTimeout",
        "checkAutoBalanceConfigInterval", "checkBalanceInterval", "checkChannelInterval", "checkExecutedFlagInterval",
        "checkHandoffInterval", "checkHealthInterval", "checkHealthRPCTimeout", "checkIndexInterval", "checkInterval",
        "checkNodeSessionInterval", "checkSegmentInterval", "cleanExcludeSegmentInterval",
        "collectionChannelCountFactor", "collectionObserverInterval", "collectionRecoverTimes",
        "delegatorMemoryOverloadFactor", "distPullInterval", "distRequestTimeout", "enableActiveStandby",
        "enableStoppingBalance", "globalRowCountFactor", "globalSegmentCountFactor", "gracefulStopTimeout",
        "growingRowCountWeight", "grpc", "heartbeatAvailableInterval", "heatbeatWarningLag", "ip", "loadTimeoutSeconds",
        "memoryUsageMaxDifferencePercentage", "observerTaskParallel", "overloadedMemoryThresholdPercentage", "port",
        "randomMaxSteps", "reverseUnBalanceTolerationFactor", "rowCountFactor", "rowCountMaxSteps",
        "scoreUnbalanceTolerationFactor", "segmentCountFactor", "segmentCountMaxSteps", "segmentTaskTimeout",
        "taskExecutionCap", "taskMergeCap", "updateCollectionLoadStatusInterval",
    ]),
    ("queryNode", &[
        "bloomFilterApplyParallelFactor", "cache", "dataSync", "enableDisk", "enableSegmentPrune", "exprCache",
        "forwardBatchSize", "gracefulStopTimeout", "grouping", "grpc", "idfOracle", "indexOffsetCacheEnabled", "ip",
        "lazyload", "levelZeroForwardPolicy", "loadMemoryUsageFactor", "maxDiskUsagePercentage", "mmap", "port",
        "queryStreamBatchSize", "queryStreamMaxBatchSize", "scheduler", "segcore", "stats",
        "streamingDeltaForwardPolicy", "workerPooling",
    ]),
    ("quotaAndLimits", &[
        "compactionRate", "dbRate", "ddl", "dml", "dql", "enabled", "flushRate", "forceDenyAllDDL", "indexRate",
        "limitReading", "limitWriting", "limits", "quotaCenterCollectInterval",
    ]),
    ("rocksmq", &[
        "compactionInterval", "compressionTypes", "lrucacheratio", "path", "retentionSizeInMB",
        "retentionTimeInMinutes", "rocksmqPageSize",
    ]),
    ("rootCoord", &[
        "dmlChannelNum", "enableActiveStandby", "gracefulStopTimeout", "grpc", "importTaskExpiration",
        "importTaskRetention", "ip", "maxDatabaseNum", "maxGeneralCapacity", "maxPartitionNum",
        "minSegmentSizeToEnableIndex", "port",
    ]),
    ("streaming", &[
        "flush", "logging", "txn", "walBalancer", "walBroadcaster", "walReadAheadBuffer", "walRecovery", "walTruncate",
        "walWriteAheadBuffer",
    ]),
    ("streamingNode", &["grpc", "ip", "port"]),
    ("tikv", &[
        "endpoints", "kvSubPath", "metaSubPath", "requestTimeout", "rootPath", "snapshotScanSize", "ssl",
    ]),
    ("tls", &["caPemPath", "serverKeyPath", "serverPemPath"]),
    ("trace", &["exporter", "initTimeoutSeconds", "jaeger", "otlp", "sampleFraction"]),
    ("woodpecker", &["client", "logstore", "meta", "storage"]),
];
