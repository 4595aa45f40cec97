"""The resource types whose names a table can tell."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.identity.plain import Form

if TYPE_CHECKING:
    from collections.abc import Mapping


def _form(
    named_by: str,
    service: str,
    resource: str,
    *more: str,
    ref: str = "{name}",
    most: int = 64,
    id_length: int = 0,
) -> Form:
    """A form with an ARN in Region and account; `more` are attributes as ``Name=text``."""
    pairs = [one.partition("=") for one in more or ("Arn={arn}",)]
    return Form(
        property=named_by,
        arn=f"{{partition}}:{service}:{{place}}:{resource}",
        ref=ref,
        attributes=tuple((key, text) for key, _, text in pairs),
        most=most,
        id_length=id_length,
    )


def _id(*more: str, length: int = 10, ref: str = "{name}", arn: str = "") -> Form:
    """A form of something that AWS gives an id."""
    pairs = [one.partition("=") for one in more]
    return Form(
        arn=arn,
        ref=ref,
        attributes=tuple((key, text) for key, _, text in pairs),
        id_length=length,
    )


_TABLE: Final = _form(
    "TableName",
    "dynamodb",
    "table/{name}",
    "Arn={arn}",
    "StreamArn={arn}/stream/2026-01-01T00:00:00.000",
    most=255,
)
_BALANCER: Final = "elasticloadbalancing"

FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "AWS::DynamoDB::Table": _TABLE,
        "AWS::DynamoDB::GlobalTable": _TABLE,
        "AWS::Kinesis::Stream": _form("Name", "kinesis", "stream/{name}", most=128),
        "AWS::KinesisFirehose::DeliveryStream": _form(
            "DeliveryStreamName", "firehose", "deliverystream/{name}"
        ),
        "AWS::Lambda::Function": _form("FunctionName", "lambda", "function:{name}"),
        "AWS::Lambda::CodeSigningConfig": _form(
            "", "lambda", "code-signing-config:{name}", "CodeSigningConfigArn={arn}", ref="{arn}"
        ),
        "AWS::Lambda::LayerVersion": _form(
            "LayerName", "lambda", "layer:{name}:1", "LayerVersionArn={arn}", ref="{arn}"
        ),
        "AWS::Events::EventBus": _form(
            "Name", "events", "event-bus/{name}", "Arn={arn}", "Name={name}", most=256
        ),
        "AWS::Events::Archive": _form("ArchiveName", "events", "archive/{name}", most=48),
        "AWS::Events::Connection": _form("Name", "events", "connection/{name}"),
        "AWS::Events::ApiDestination": _form("Name", "events", "api-destination/{name}"),
        "AWS::Pipes::Pipe": _form("Name", "pipes", "pipe/{name}"),
        "AWS::Scheduler::ScheduleGroup": _form("Name", "scheduler", "schedule-group/{name}"),
        "AWS::Logs::Destination": _form("DestinationName", "logs", "destination:{name}", most=512),
        "AWS::StepFunctions::StateMachine": _form(
            "StateMachineName",
            "states",
            "stateMachine:{name}",
            "Arn={arn}",
            "Name={name}",
            ref="{arn}",
            most=80,
        ),
        "AWS::StepFunctions::Activity": _form(
            "Name", "states", "activity:{name}", "Arn={arn}", "Name={name}", ref="{arn}", most=80
        ),
        "AWS::SSM::Parameter": _form("Name", "ssm", "parameter/{name}", "Type=String"),
        "AWS::SecretsManager::Secret": _form(
            "Name", "secretsmanager", "secret:{name}", "Id={arn}", ref="{arn}"
        ),
        "AWS::KMS::Key": _form("", "kms", "key/{name}", "Arn={arn}", "KeyId={name}"),
        "AWS::KMS::Alias": _form("AliasName", "kms", "{name}"),
        "AWS::ECR::Repository": _form(
            "RepositoryName",
            "ecr",
            "repository/{name}",
            "Arn={arn}",
            "RepositoryUri={account}.dkr.ecr.{region}.{suffix}/{name}",
            most=256,
        ),
        "AWS::Cognito::UserPool": _form(
            "",
            "cognito-idp",
            "userpool/{name}",
            "Arn={arn}",
            "UserPoolId={name}",
            "ProviderName=cognito-idp.{region}.{suffix}/{name}",
            "ProviderURL=https://cognito-idp.{region}.{suffix}/{name}",
        ),
        "AWS::MSK::Cluster": _form("ClusterName", "kafka", "cluster/{name}/0", ref="{arn}"),
        "AWS::MSK::ServerlessCluster": _form(
            "ClusterName", "kafka", "cluster/{name}/0", ref="{arn}"
        ),
        "AWS::AmazonMQ::Broker": _form("BrokerName", "mq", "broker:{name}:{name}", most=50),
        "AWS::RDS::DBCluster": _form(
            "DBClusterIdentifier", "rds", "cluster:{name}", "DBClusterArn={arn}", most=63
        ),
        "AWS::DocDB::DBCluster": _form(
            "DBClusterIdentifier", "rds", "cluster:{name}", "DBClusterArn={arn}", most=63
        ),
        "AWS::AppSync::GraphQLApi": _form(
            "",
            "appsync",
            "apis/{name}",
            "Arn={arn}",
            "ApiId={name}",
            "GraphQLUrl=https://{name}.appsync-api.{region}.{suffix}/graphql",
            ref="{arn}",
            id_length=26,
        ),
        "AWS::ElasticLoadBalancingV2::TargetGroup": _form(
            "Name",
            _BALANCER,
            "targetgroup/{name}/0",
            "TargetGroupArn={arn}",
            "TargetGroupFullName=targetgroup/{name}/0",
            "TargetGroupName={name}",
            ref="{arn}",
            most=32,
        ),
        "AWS::ElasticLoadBalancingV2::LoadBalancer": _form(
            "Name",
            _BALANCER,
            "loadbalancer/app/{name}/0",
            "LoadBalancerArn={arn}",
            "LoadBalancerFullName=app/{name}/0",
            "LoadBalancerName={name}",
            "DNSName={name}-0.{region}.elb.{suffix}",
            ref="{arn}",
            most=32,
        ),
        "AWS::ElasticLoadBalancingV2::Listener": _form(
            "", _BALANCER, "listener/{name}", "ListenerArn={arn}", ref="{arn}"
        ),
        "AWS::ElasticLoadBalancingV2::ListenerRule": _form(
            "", _BALANCER, "listener-rule/{name}", "RuleArn={arn}", ref="{arn}"
        ),
        "AWS::ApiGateway::RestApi": _id(
            "RestApiId={name}",
            "RootResourceId={name}",
            arn="{partition}:execute-api:{place}:{name}",
        ),
        "AWS::ApiGateway::Resource": _id("ResourceId={name}", length=6),
        "AWS::ApiGateway::Deployment": _id("DeploymentId={name}", length=6),
        "AWS::ApiGateway::Authorizer": _id("AuthorizerId={name}", length=6),
        "AWS::ApiGateway::Stage": Form(property="StageName"),
        "AWS::ApiGatewayV2::Api": _id(
            "ApiId={name}",
            "ApiEndpoint=https://{name}.execute-api.{region}.{suffix}",
            arn="{partition}:execute-api:{place}:{name}",
        ),
        "AWS::ApiGatewayV2::Integration": _id("IntegrationId={name}", length=7),
        "AWS::ApiGatewayV2::Route": _id("RouteId={name}", length=7),
        "AWS::ApiGatewayV2::Authorizer": _id("AuthorizerId={name}", length=6),
        "AWS::ApiGatewayV2::Deployment": _id("DeploymentId={name}", length=6),
        "AWS::ApiGatewayV2::Stage": Form(property="StageName"),
        "AWS::S3::AccessPoint": _form("Name", "s3", "accesspoint/{name}", "Arn={arn}", most=50),
        "AWS::Logs::SubscriptionFilter": Form(property="FilterName", most=512),
        "AWS::Logs::MetricFilter": Form(property="FilterName", most=512),
        "AWS::IAM::Policy": Form(most=128, attributes=(("Id", "{name}"),)),
    }
)
