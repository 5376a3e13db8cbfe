"""Debian's libraries as Bazel targets.

`system_libraries` asks pkg-config for each library and writes one `cc_library` a name. The packages'
versions go into `defines`, because /usr/include is not an input that Bazel watches: an upgrade of a
library then rebuilds what uses it.
"""

def _pkg_config(context, flag, package):
    result = context.execute(["pkg-config", flag, package])
    if result.return_code != 0:
        fail("pkg-config knows no '{}': {}\nRun deploy/install-packages, which names every package.".format(
            package,
            result.stderr,
        ))
    return result.stdout.strip()

def _unique(words):
    # The last mention counts for a linker, the first for a reader; shared objects do not care.
    seen = {}
    for word in words:
        seen[word] = True
    return seen.keys()

def _library(context, name, packages):
    linkopts = []
    versions = []
    for package in packages:
        flags = _pkg_config(context, "--libs", package).split(" ")
        linkopts += [flag for flag in flags if flag.startswith("-l") or flag == "-pthread"]
        versions.append(_pkg_config(context, "--modversion", package).replace(".", "_"))
    if name == "gtest":
        linkopts.append("-lpthread")
    return """
cc_library(
    name = "{name}",
    defines = ["MUSTER_SYSTEM_{upper}=v{version}"],
    linkopts = {linkopts},
)
""".format(
        name = name,
        upper = name.upper(),
        version = "_".join(_unique(versions)),
        linkopts = repr(_unique(linkopts)),
    )

def _system_libraries_impl(context):
    text = 'package(default_visibility = ["//visibility:public"])\n'
    for name in sorted(context.attr.libraries.keys()):
        text += _library(context, name, context.attr.libraries[name])
    context.file("BUILD.bazel", text)

system_libraries = repository_rule(
    implementation = _system_libraries_impl,
    attrs = {"libraries": attr.string_list_dict(mandatory = True)},
    configure = True,
    local = True,
)
