"""The kinds of test that stand here several times."""

def hub_test(name, deps = [], **kwargs):
    """A test with a real hub in its own process; the test's binary is the hub's children, too."""
    native.cc_test(
        name = name,
        size = "medium",
        srcs = [name + ".cc"],
        tags = ["no-sanitizer"],
        deps = [
            "//test/integration:main",
            "//test/integration:world",
            "@system//:abseil",
            "@system//:grpc",
            "@system//:gtest",
        ] + deps,
        **kwargs
    )

def git_test(name, deps):
    """A test against a real Git server."""
    native.cc_test(
        name = name,
        size = "medium",
        srcs = [name + ".cc"],
        deps = [
            ":git_server",
            "//hub/source:libgit2_fixture",
            "@system//:gtest",
        ] + deps,
    )

def journey_test(name, data = [], **kwargs):
    """A journey in Python (<name>.py) with the programs of this build.

    `external` keeps the result out of the cache: a journey depends on more than its files.
    """
    native.sh_test(
        name = name,
        size = "medium",
        srcs = ["journey.sh"],
        args = [native.package_name() + "/" + name + ".py"],
        data = [
            name + ".py",
            "fleet.py",
            "report.py",
            "//:WORKSPACE",
            "//agent:muster-agent",
            "//cli:muster",
            "//hub:muster-hub",
        ] + data,
        tags = [
            "exclusive",
            "external",
            "no-sanitizer",
        ],
        **kwargs
    )
