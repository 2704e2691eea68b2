"""OpenMMLab's guests: mmpose and mmengine beside us, in an environment of their own (`make mm`).

Nothing outside this room imports it while a module loads, and nothing here is imported unless
somebody asks for it. From their side the way in is one line of an mmpose configuration:
`custom_imports = dict(imports=["posealign.interop.mm.register"])`.
"""
