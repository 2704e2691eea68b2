// Every sentence of the page in both languages, and the examples to try.

export const WORDS = {
  en: {
    skip: "Skip to the instruction", motto: "Ask for the keypoints you need, in words.",
    picture: "Picture", drop: "Drop a picture here, or paste one", choose: "Choose a picture",
    camera: "Use the camera", samples: "Or try one of these. No real child is in them.",
    "samples-list": "Sample pictures",
    private: "The picture goes to this server only. Nothing is stored.",
    shoot: "Take this picture", live: "Live", stop: "Stop the camera", show: "Show",
    names: "Names", circles: "Uncertainty", limbs: "Limbs", left: "left", right: "right",
    middle: "middle", occluded: "hidden", visible: "visible", absent: "not there",
    "by-self": "own body", "by-blanket": "blanket", "by-clothing": "clothing", "by-caregiver": "caregiver",
    "by-object": "object", "by-other": "something else",
    unlabelled: "unknown", ring: "90 % of errors end inside", another: "Another picture",
    ask: "What do you want to see?", placeholder: "e.g. only the left leg", go: "Find",
    "compare-with": "Compare with …", examples: "Examples", skeleton: "Skeleton",
    compare: "Compare two instructions", key: "This server asks for a key", "key-go": "Use it",
    "key-hint": "It stays in this tab and is forgotten when you close it.",
    empty: "Choose a picture and say which joints you need. Every answer also says what was understood.",
    copy: "Copy", copied: "Copied", code: "As code", legend: "Legend", theme: "Light or dark",
    care: "A model's guess, not a diagnosis: each joint carries how sure it is.", limits: "Limits", metrics: "Metrics",
    ready: "ready", starting: "starting", unreachable: "not reachable", understood: "Understood",
    joints: "joints", joint: "joint", person: "Person", people: "people", nobody: "Nobody was found in this picture.",
    state: "state", sure: "sure", radius: "radius", language: "language", filter: "only",
    subject: "of whom", dims: "dimensions", relation: "relation", written: "written form",
    confidence: "confidence", aside: "set aside: the instruction asks for other states",
    looking: "Looking at the picture …", asking: "Asking …", took: "answered in {ms} ms",
    "shown-from": "3-D depth in {unit}", metres: "metres", torso: "torso lengths",
    refused: "No joints for this one", "try-these": "Perhaps one of these?",
    "reason-not_pose": "I only find joints of people in pictures, and this asks for something else.",
    "reason-contradictory": "The instruction asks for something and rules it out at the same time.",
    "reason-no_such_part": "People do not have this part, so there is nothing to point at.",
    "reason-unclear": "I could not tell which joints are meant. Name a part of the body.",
    "reason-foreign": "This is in a language I do not read. English and Chinese work.",
    "reason-injection": "This talks to the machine rather than about a pose, so it is left alone.",
    "reason-not_in_skeleton": "The chosen skeleton has no such joint. Another one may.",
    trouble: "That did not work", offline: "The server cannot be reached.",
    "no-camera": "The camera cannot be used: it is missing, busy, or was not allowed.",
    "no-picture": "That is not a picture. JPEG, PNG, WebP, GIF and BMP are taken.",
    "need-picture": "Choose a picture first.", "need-words": "Say which joints you need.",
    "subject-largest": "the largest", "subject-leftmost": "the leftmost", "subject-rightmost": "the rightmost",
    "subject-topmost": "the topmost", "subject-bottommost": "the lowest", "subject-adult": "the adult",
    "subject-infant": "the infant", "relation-higher": "the higher one", "relation-lower": "the lower one",
    "relation-raised": "the raised one", "relation-more_bent": "the one bent more",
    "relation-straighter": "the straighter one", "relation-nearer_camera": "the one nearer the camera",
    "relation-farther_camera": "the one farther from the camera", "relation-nearest_face": "the one nearest the face",
    "relation-touching_face": "touching the face", "relation-crossing_over": "the one that lies over the other",
    "relation-image_left": "the one at the picture's left", "relation-image_right": "the one at the picture's right",
    "relation-in_upper_half": "in the upper half", "relation-in_lower_half": "in the lower half",
    "relation-in_left_half": "in the left half", "relation-in_right_half": "in the right half",
    "relation-hidden_by_blanket": "under the blanket",
    "finding-premise_does_not_hold": "{message}", "finding-close_call": "{message}", "finding-hider_not_known": "{message}",
    result: "{count} of {total} joints found. {list}", "switch-language": "切换到中文",
  },
  zh: {
    skip: "跳到指令", motto: "用一句话，说出你需要的关键点。",
    picture: "图片", drop: "把图片拖到这里，或直接粘贴", choose: "选择图片",
    camera: "使用摄像头", samples: "也可以试试这些图片，里面没有真实的孩子。",
    "samples-list": "示例图片",
    private: "图片只发送到这台服务器，不会被保存。",
    shoot: "拍下这一张", live: "实时", stop: "关闭摄像头", show: "显示",
    names: "名称", circles: "不确定度", limbs: "肢体", left: "左", right: "右",
    middle: "中线", occluded: "被遮挡", visible: "可见", absent: "不在画面中",
    "by-self": "自己的身体", "by-blanket": "毯子", "by-clothing": "衣物", "by-caregiver": "照护者",
    "by-object": "物品", "by-other": "其他东西",
    unlabelled: "未知", ring: "90 % 的误差在圈内", another: "换一张图片",
    ask: "你想看什么？", placeholder: "例如：只看左腿", go: "查找",
    "compare-with": "与另一条指令比较……", examples: "示例", skeleton: "骨架",
    compare: "比较两条指令", key: "这台服务器需要密钥", "key-go": "使用",
    "key-hint": "密钥只留在本标签页，关闭后即被遗忘。",
    empty: "选择一张图片，说出需要哪些关键点。每个回答都会说明它理解了什么。",
    copy: "复制", copied: "已复制", code: "代码", legend: "图例", theme: "浅色或深色",
    care: "这是模型的推测，不是诊断：每个关键点都标明了把握程度。", limits: "限额", metrics: "指标",
    ready: "就绪", starting: "正在启动", unreachable: "无法连接", understood: "理解为",
    joints: "个关键点", joint: "关键点", person: "人物", people: "人", nobody: "这张图片里没有找到人。",
    state: "状态", sure: "把握", radius: "半径", language: "语言", filter: "仅限",
    subject: "对象", dims: "维度", relation: "关系", written: "书面形式",
    confidence: "置信度", aside: "已另列：指令要求的是其他状态",
    looking: "正在看图……", asking: "正在查找……", took: "用时 {ms} 毫秒",
    "shown-from": "三维深度，单位：{unit}", metres: "米", torso: "躯干长度",
    refused: "这一条没有对应的关键点", "try-these": "也许你想问：",
    "reason-not_pose": "我只在图片中寻找人体关键点，而这句话问的是别的事情。",
    "reason-contradictory": "这条指令既要求又排除了同样的内容。",
    "reason-no_such_part": "人体没有这个部位，所以无处可指。",
    "reason-unclear": "没能听懂是哪些关键点。请说出身体的部位。",
    "reason-foreign": "这句话用的语言我看不懂，请用中文或英文。",
    "reason-injection": "这句话是在指挥机器，而不是在问姿态，所以不作处理。",
    "reason-not_in_skeleton": "所选骨架里没有这个关键点，换一个骨架也许就有。",
    trouble: "没有成功", offline: "无法连接服务器。",
    "no-camera": "无法使用摄像头：没有找到、被占用，或未获允许。",
    "no-picture": "这不是图片。支持 JPEG、PNG、WebP、GIF 和 BMP。",
    "need-picture": "请先选择一张图片。", "need-words": "请说出需要哪些关键点。",
    "subject-largest": "最大的人", "subject-leftmost": "最左边的人", "subject-rightmost": "最右边的人", "subject-topmost": "最上面的人",
    "subject-bottommost": "最下面的人", "subject-adult": "成人", "subject-infant": "婴儿", "relation-higher": "较高的一侧",
    "relation-lower": "较低的一侧", "relation-raised": "抬起的一侧", "relation-more_bent": "更弯的一侧",
    "relation-straighter": "更直的一侧", "relation-nearer_camera": "离镜头更近的一侧", "relation-farther_camera": "离镜头更远的一侧",
    "relation-nearest_face": "离脸最近的一侧", "relation-touching_face": "碰到脸的", "relation-crossing_over": "压在上面的一侧",
    "relation-image_left": "画面左边的一侧", "relation-image_right": "画面右边的一侧", "relation-in_upper_half": "画面上半部",
    "relation-in_lower_half": "画面下半部", "relation-in_left_half": "画面左半部", "relation-in_right_half": "画面右半部",
    "relation-hidden_by_blanket": "被子下面的",
    "finding-premise_does_not_hold": "这句话所说的卧姿，与看到的关键点不符。",
    "finding-close_call": "两侧相差太小，难以分清。", "finding-hider_not_known": "这些关键点被遮住了，但看不出是被什么遮住的。",
    result: "找到 {total} 个关键点中的 {count} 个。{list}", "switch-language": "Switch to English",
  },
};

export const EXAMPLES = {
  en: ["only the left leg", "everything but the head", "the visible joints", "the arm that is raised", "both hands in 3D"],
  zh: ["只看左腿", "除了头部以外的全部", "只要可见的关节", "举起来的那只手臂", "双手的三维位置"],
};

let language = "en";
export const current = () => language;
export const setLanguage = (name) => { language = name; };

export function t(key, values = {}) {
  const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// Puts the words of the chosen language into the page.
export function translate(root = document) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  for (const node of root.querySelectorAll("[data-placeholder]")) node.placeholder = t(node.dataset.placeholder);
}
