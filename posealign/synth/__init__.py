"""The synthetic infant: RGB-D pictures with exact labels, made with MuJoCo."""
